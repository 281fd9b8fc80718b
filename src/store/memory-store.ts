import type { LeaseHold, LeaseRequest, LeaseState, LockStore, TryOutcome } from './lock-store.ts'

interface Row {
  owner: string | null
  attempt: string | null
  token: number
  /** Microseconds since the epoch; `Infinity`: never. */
  expiresAtUs: number
}

/** An hour: by then nobody releases a hold that ran out. */
const RETENTION_US = 3_600_000_000
/** Free rows are looked for when there are this many rows, and then at every doubling. */
const LEAST_SWEEP = 1_000

/**
 * The specification, executable: what every SQL store must answer. One process, one clock, no waiting.
 */
export class MemoryStore implements LockStore {
  readonly #nowUs: () => number
  readonly #rows = new Map<string, Row>()
  /** No token up to here may be given again, though the rows that had them are gone. */
  #sweptToken = 0
  #sweepAt = LEAST_SWEEP

  constructor(nowUs: () => number) {
    this.#nowUs = nowUs
  }

  async tryAcquire({ key, owner, attempt, ttlUs }: LeaseRequest): Promise<TryOutcome> {
    const nowUs = this.#nowUs()
    const row = this.#rows.get(key)
    if (row && row.expiresAtUs > nowUs && row.attempt !== attempt) {
      return { granted: false, freeInUs: row.expiresAtUs === Infinity ? null : row.expiresAtUs - nowUs }
    }
    const token = Math.max((row?.token ?? this.#sweptToken) + 1, nowUs)
    this.#rows.set(key, { owner, attempt, token, expiresAtUs: nowUs + (ttlUs ?? Infinity) })
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
    if (row) this.#free(row)
    return row !== undefined
  }

  async abandon(key: string, attempt: string): Promise<boolean> {
    const row = this.#rows.get(key)
    if (row?.attempt !== attempt) return false
    this.#free(row)
    return true
  }

  async forceRelease(key: string): Promise<boolean> {
    const row = this.#rows.get(key)
    if (!row || row.owner === null) return false
    this.#free(row)
    row.token = Math.max(row.token + 1, this.#nowUs())
    return true
  }

  async inspect(key: string): Promise<LeaseState | null> {
    const nowUs = this.#nowUs()
    const row = this.#rows.get(key)
    if (!row) return null
    const remainingUs = row.expiresAtUs === Infinity ? null : Math.max(0, row.expiresAtUs - nowUs)
    return { owner: row.owner, token: row.token, remainingUs, nowUs }
  }

  async close(): Promise<void> {}

  #rowOf({ key, owner, token }: LeaseHold): Row | undefined {
    const row = this.#rows.get(key)
    return row?.owner === owner && row.token === token ? row : undefined
  }

  /** The row stays: it remembers the token. */
  #free(row: Row): void {
    row.owner = null
    row.attempt = null
    row.expiresAtUs = this.#nowUs()
  }

  #sweep(nowUs: number): void {
    for (const [key, row] of this.#rows) {
      const isForgotten = row.expiresAtUs <= nowUs - RETENTION_US
      if (row.owner !== null && !isForgotten) continue
      this.#sweptToken = Math.max(this.#sweptToken, row.token)
      this.#rows.delete(key)
    }
    this.#sweepAt = Math.max(LEAST_SWEEP, this.#rows.size * 2)
  }
}
