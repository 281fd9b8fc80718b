import type { TortureDatabase } from './databases/torture-database.ts'
import type { TrailEntry } from './evidence.ts'
import { Sampling } from './sampling.ts'
import { TortureTables } from './torture-tables.ts'
import type { Send } from './work/work-kind.ts'

interface SeenRow {
  readonly owner: string | null
  readonly attempt: string | null
  readonly token: number
  readonly expiresUs: number
  readonly acquiredUs: number
}

/** Makes a trail by looking at the rows all the time, where a trigger would change what is tortured. */
export class RowSampler {
  readonly #tables: TortureTables
  readonly #sampling: Sampling
  readonly #trail = new Map<string, TrailEntry[]>()
  #rows = new Map<string, SeenRow>()
  #lastLookUs = 0

  constructor(database: TortureDatabase, tableName: string) {
    this.#tables = new TortureTables(database.family, tableName)
    this.#sampling = new Sampling(database, tableName, (send) => this.#look(send))
  }

  start(): void {
    this.#sampling.start()
  }

  stop(): Promise<void> {
    return this.#sampling.stop()
  }

  /** What was seen so far. */
  trail(): Map<string, TrailEntry[]> {
    return new Map([...this.#trail].map(([key, entries]) => [key, [...entries]]))
  }

  async #look(send: Send): Promise<void> {
    const { rows } = await send(this.#tables.readLocks())
    // The time in the rows is that of the start of their statement: they may have been read later.
    const after = await send(this.#tables.readClock())
    const seen = new Map(rows.map((row) => [String(row.lock_key), asSeen(row)]))
    const untilUs = Number(after.rows[0]?.now)
    for (const key of new Set([...this.#rows.keys(), ...seen.keys()]))
      this.#compare(key, this.#rows.get(key), seen.get(key), untilUs)
    this.#rows = seen
    this.#lastLookUs = Number(rows[0]?.now ?? this.#lastLookUs)
  }

  #compare(key: string, before: SeenRow | undefined, now: SeenRow | undefined, untilUs: number): void {
    if (before?.owner === now?.owner && before?.token === now?.token && before?.expiresUs === now?.expiresUs) return
    const isExtension = now !== undefined && now.owner !== null && before?.token === now.token
    const toldUs = now && !isExtension ? (now.owner === null ? now.expiresUs : now.acquiredUs) : undefined
    const entries = this.#trail.get(key) ?? []
    this.#trail.set(key, entries)
    entries.push({
      key,
      oldOwner: before?.owner ?? null,
      oldAttempt: before?.attempt ?? null,
      oldToken: before?.token ?? null,
      oldExpiresUs: before?.expiresUs ?? null,
      owner: now?.owner ?? null,
      attempt: now?.attempt ?? null,
      token: now?.token ?? null,
      expiresUs: now?.expiresUs ?? null,
      atUs: isExtension ? this.#lastLookUs : untilUs,
      // What was told before the last look is not about this change.
      ...(toldUs !== undefined && toldUs >= this.#lastLookUs ? { toldUs } : {}),
    })
  }
}

function asSeen(row: Readonly<Record<string, unknown>>): SeenRow {
  return {
    owner: row.owner === null ? null : String(row.owner),
    attempt: row.attempt === null ? null : String(row.attempt),
    token: Number(row.token),
    expiresUs: Number(row.expires_at),
    acquiredUs: Number(row.acquired_at),
  }
}
