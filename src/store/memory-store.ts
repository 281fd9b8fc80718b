import { LocalWakeSource } from './local-wake-source.ts'
import type {
  HandOverOutcome,
  LeaseHold,
  LeaseRequest,
  ListedKeys,
  ListLook,
  LockState,
  LockStore,
  OldKeys,
  Renewal,
  RenewalAnswer,
  RunEnd,
  RunRecord,
  TryOutcome,
  WantAnswer,
} from './lock-store.ts'
import { RETENTION_US } from './retention.ts'

interface Row {
  owner: string | null
  attempt: string | null
  token: number
  /** Microseconds since the epoch; `Infinity`: never. */
  expiresAtUs: number
  acquiredAtUs: number
  heldBy: string | null
  isWanted: boolean
  renewals: number
  lastRun: RunRecord | null
}

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
      ...{ isWanted: false, renewals: own?.renewals ?? 0, lastRun: row?.lastRun ?? null },
    })
    if (this.#rows.size > this.#sweepAt) this.#sweep(nowUs)
    return { granted: true, token, grantedAtUs: nowUs }
  }

  async extend(hold: LeaseHold, ttlUs: number | null): Promise<number | null> {
    const nowUs = this.#nowUs()
    const row = this.#rowOf(hold)
    if (!row || row.expiresAtUs <= nowUs) return null
    row.expiresAtUs = nowUs + (ttlUs ?? Infinity)
    row.renewals++
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

  async inspect(key: string): Promise<LockState | null> {
    const row = this.#rows.get(key)
    return row ? stateOf(row, this.#nowUs()) : null
  }

  async list({ afterKey, prefix, showsHeld, showsFree, limit }: ListLook): Promise<ListedKeys> {
    const nowUs = this.#nowUs()
    const found = [...this.#rows]
      .filter(([key]) => key.startsWith(prefix) && compareBytes(key, afterKey) > 0)
      .map(([key, row]) => ({ key, ...stateOf(row, nowUs) }))
      .filter(({ isHeld }) => (isHeld ? showsHeld : showsFree))
      .sort((a, b) => compareBytes(a.key, b.key))
    const keys = found.slice(0, limit)
    return { keys, lastKey: found.length > limit ? (keys.at(-1)?.key ?? null) : null }
  }

  async findOld(_afterKey: string, retentionUs: number): Promise<OldKeys> {
    const nowUs = this.#nowUs()
    const freeSinceUs = nowUs - retentionUs
    const old = [...this.#rows].filter(([, row]) => isOld(row, nowUs, freeSinceUs)).map(([key]) => key)
    return { portions: [old], freeSinceUs, looked: this.#rows.size, lastKey: null }
  }

  async removeOld(keys: readonly string[], freeSinceUs: number): Promise<number> {
    const nowUs = this.#nowUs()
    const old = keys.filter((key) => {
      const row = this.#rows.get(key)
      return row !== undefined && isOld(row, nowUs, freeSinceUs)
    })
    for (const key of old) this.#remove(key)
    return old.length
  }

  async handOver(hold: LeaseHold, { owner, attempt, ttlUs, heldBy }: LeaseRequest): Promise<HandOverOutcome> {
    const nowUs = this.#nowUs()
    const row = this.#rowOf(hold)
    if (!row) return { granted: false }
    const token = Math.max(row.token + 1, nowUs)
    const expiresAtUs = nowUs + (ttlUs ?? Infinity)
    Object.assign(row, { owner, attempt, token, heldBy, acquiredAtUs: nowUs, expiresAtUs, renewals: 0 })
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
      row.renewals++
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
    row.renewals = 0
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

  /** Those that are free go at once; what ran out may still be released. */
  #sweep(nowUs: number): void {
    for (const [key, row] of this.#rows) {
      if (isOld(row, nowUs, row.owner === null ? nowUs : nowUs - RETENTION_US)) this.#remove(key)
    }
    this.#sweepAt = Math.max(LEAST_SWEEP, this.#rows.size * 2)
  }

  #remove(key: string): void {
    this.#sweptToken = Math.max(this.#sweptToken, this.#rows.get(key)?.token ?? 0)
    this.#rows.delete(key)
  }
}

/** Free since then, and without a run that is still to be remembered. */
function isOld({ expiresAtUs, lastRun }: Row, nowUs: number, freeSinceUs: number): boolean {
  const hasRunLately = lastRun !== null && lastRun.endedAtUs > nowUs - RUN_RETENTION_US
  return expiresAtUs <= freeSinceUs && !hasRunLately
}

function stateOf(row: Row, nowUs: number): LockState {
  const { owner, token, expiresAtUs, acquiredAtUs, heldBy, renewals, isWanted } = row
  const isHeld = owner !== null && expiresAtUs > nowUs
  const remainingUs = expiresAtUs === Infinity ? null : Math.max(0, expiresAtUs - nowUs)
  return { owner, token, isHeld, remainingUs, nowUs, acquiredAtUs, heldBy, renewals, isWanted }
}

/** JavaScript compares UTF-16, in which emoji come before U+E000. */
function compareBytes(a: string, b: string): number {
  return Buffer.compare(Buffer.from(a), Buffer.from(b))
}
