import { LocalWakeSource } from './local-wake-source.ts'
import type {
  HandOverOutcome,
  LeaseHold,
  LeaseRequest,
  LeaseState,
  LockStore,
  Renewal,
  RenewalAnswer,
  RunEnd,
  RunRecord,
  TryOutcome,
  WantAnswer,
} from './lock-store.ts'

interface Row {
  owner: string | null
  attempt: string | null
  token: number
  /** Microseconds since the epoch; `Infinity`: never. */
  expiresAtUs: number
  acquiredAtUs: number
  heldBy: string | null
  isWanted: boolean
  lastRun: RunRecord | null
}

/** An hour: by then nobody releases a hold that ran out. */
const RETENTION_US = 3_600_000_000
/** Thirty days: somebody may ask when a monthly report ran last. */
const RUN_RETENTION_US = 30 * 24 * 3_600_000_000
/** Free rows are looked for when there are this many rows, and then at every doubling. */
const LEAST_SWEEP = 1_000

/**
 * The specification, executable: what every SQL store must answer. One process, one clock, no waiting.
 */
export class MemoryStore implements LockStore {
  readonly #nowUs: () => number
  readonly #rows = new Map<string, Row>()
  /** Hears every release: all holders are in this process. */
  readonly wakeSource = new LocalWakeSource()
  /** No token up to here may be given again, though the rows that had them are gone. */
  #sweptToken = 0
  #sweepAt = LEAST_SWEEP

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs
  }

  async tryAcquire({ key, owner, attempt, ttlUs, heldBy }: LeaseRequest): Promise<TryOutcome> {
    const nowUs = this.#nowUs()
    const row = this.#rows.get(key)
    if (row && row.expiresAtUs > nowUs && row.attempt !== attempt) {
      return { granted: false, freeInUs: row.expiresAtUs === Infinity ? null : row.expiresAtUs - nowUs }
    }
    // This very try was granted before, and sent again: it changes nothing, and ends nothing earlier.
    const own = row && row.expiresAtUs > nowUs ? row : undefined
    const token = own?.token ?? Math.max((row?.token ?? this.#sweptToken) + 1, nowUs)
    const expiresAtUs = Math.max(nowUs + (ttlUs ?? Infinity), own?.expiresAtUs ?? 0)
    this.#rows.set(key, {
      ...{ owner, attempt, token, heldBy, expiresAtUs, acquiredAtUs: nowUs },
      ...{ isWanted: false, lastRun: row?.lastRun ?? null },
    })
    if (this.#rows.size > this.#sweepAt) this.#sweep(nowUs)
    return { granted: true, token, grantedAtUs: nowUs }
  }

  async extend(hold: LeaseHold, ttlUs: number | null): Promise<number | null> {
    const nowUs = this.#nowUs()
    const row = this.#rowOf(hold)
    if (!row || row.expiresAtUs <= nowUs) return null
    row.expiresAtUs = nowUs + (ttlUs ?? Infinity)
    return nowUs
  }

  async release(hold: LeaseHold): Promise<boolean> {
    const row = this.#rowOf(hold)
    if (row) this.#free(hold.key, row)
    return row !== undefined
  }

  async abandon(key: string, attempt: string): Promise<boolean> {
    const row = this.#rows.get(key)
    if (row?.attempt !== attempt) return false
    this.#free(key, row)
    return true
  }

  async forceRelease(key: string): Promise<boolean> {
    const row = this.#rows.get(key)
    if (!row || row.owner === null) return false
    row.token = Math.max(row.token + 1, this.#nowUs())
    this.#free(key, row)
    return true
  }

  async inspect(key: string): Promise<LeaseState | null> {
    const nowUs = this.#nowUs()
    const row = this.#rows.get(key)
    if (!row) return null
    const remainingUs = row.expiresAtUs === Infinity ? null : Math.max(0, row.expiresAtUs - nowUs)
    return { owner: row.owner, token: row.token, remainingUs, nowUs }
  }

  async handOver(hold: LeaseHold, { owner, attempt, ttlUs, heldBy }: LeaseRequest): Promise<HandOverOutcome> {
    const nowUs = this.#nowUs()
    const row = this.#rowOf(hold)
    if (!row) return { granted: false }
    const token = Math.max(row.token + 1, nowUs)
    Object.assign(row, { owner, attempt, token, heldBy, acquiredAtUs: nowUs, expiresAtUs: nowUs + (ttlUs ?? Infinity) })
    return { granted: true, token, grantedAtUs: nowUs, isWanted: row.isWanted }
  }

  async want(key: string): Promise<WantAnswer> {
    const row = this.#rows.get(key)
    if (!row || row.owner === null || row.expiresAtUs <= this.#nowUs()) return 'free'
    row.isWanted = true
    return 'marked'
  }

  async extendAll(renewals: readonly Renewal[]): Promise<RenewalAnswer[]> {
    const nowUs = this.#nowUs()
    return renewals.map(({ hold, ttlUs }): RenewalAnswer => {
      const row = this.#rowOf(hold)
      if (!row || row.expiresAtUs <= nowUs) return { kind: 'lost' }
      row.expiresAtUs = Math.max(row.expiresAtUs, nowUs + (ttlUs ?? Infinity))
      return { kind: 'renewed', atUs: nowUs }
    })
  }

  async finishRun(hold: LeaseHold, { periodUs, hasFailed }: RunEnd): Promise<boolean> {
    const nowUs = this.#nowUs()
    const row = this.#rowOf(hold)
    if (!row) return false
    const { token, acquiredAtUs: startedAtUs, heldBy } = row
    row.lastRun = { token, startedAtUs, endedAtUs: nowUs, heldBy, hasFailed }
    // What is still on its way under the hold must not give the key another end.
    row.token = token + 1
    row.attempt = null
    if (periodUs === null) this.#free(hold.key, row)
    else row.expiresAtUs = Math.max(nowUs, startedAtUs + periodUs)
    if (row.isWanted) this.wakeSource.wake(hold.key)
    return true
  }

  async lastRun(key: string): Promise<RunRecord | null> {
    return this.#rows.get(key)?.lastRun ?? null
  }

  async close(): Promise<void> {}

  #rowOf({ key, owner, token }: LeaseHold): Row | undefined {
    const row = this.#rows.get(key)
    return row?.owner === owner && row.token === token ? row : undefined
  }

  /** The row stays: it remembers the token. */
  #free(key: string, row: Row): void {
    row.owner = null
    row.attempt = null
    row.expiresAtUs = this.#nowUs()
    if (row.isWanted) this.wakeSource.wake(key)
  }

  #sweep(nowUs: number): void {
    for (const [key, row] of this.#rows) {
      const isForgotten = row.expiresAtUs <= nowUs - RETENTION_US
      const hasRunLately = row.lastRun !== null && row.lastRun.endedAtUs > nowUs - RUN_RETENTION_US
      if ((row.owner !== null && !isForgotten) || hasRunLately) continue
      this.#sweptToken = Math.max(this.#sweptToken, row.token)
      this.#rows.delete(key)
    }
    this.#sweepAt = Math.max(LEAST_SWEEP, this.#rows.size * 2)
  }
}
