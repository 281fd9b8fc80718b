import { setTimeout as sleep } from 'node:timers/promises'
import { atDatabase } from './admin-database.ts'
import type { TortureDatabase } from './databases/torture-database.ts'
import type { TrailEntry } from './evidence.ts'
import { TortureTables } from './torture-tables.ts'
import type { Send } from './work/work-kind.ts'

const LOOK_EVERY_MS = 20

interface SeenRow {
  readonly owner: string | null
  readonly token: number
  readonly expiresUs: number
  readonly acquiredUs: number
}

/** Makes a trail by looking at the rows all the time, where a trigger would change what is tortured. */
export class RowSampler {
  readonly #database: TortureDatabase
  readonly #tableName: string
  readonly #tables: TortureTables
  readonly #trail = new Map<string, TrailEntry[]>()
  #rows = new Map<string, SeenRow>()
  #lastLookUs = 0
  #isOver = false
  #looking: Promise<void> = Promise.resolve()
  /** Looks that were taken. */
  looks = 0

  constructor(database: TortureDatabase, tableName: string) {
    this.#database = database
    this.#tableName = tableName
    this.#tables = new TortureTables(database.family, tableName)
  }

  start(): void {
    this.#looking = this.#look()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#looking
  }

  /** What was seen so far. */
  trail(): Map<string, TrailEntry[]> {
    return new Map([...this.#trail].map(([key, entries]) => [key, [...entries]]))
  }

  async #look(): Promise<void> {
    while (!this.#isOver) {
      // The server is down, or another one has taken over: the next look goes where writes go then.
      await atDatabase(this.#database, this.#tableName, (send) => this.#lookOnAndOn(send)).catch(() => {})
      await sleep(LOOK_EVERY_MS)
    }
  }

  async #lookOnAndOn(send: Send): Promise<void> {
    const url = this.#database.adminUrl()
    while (!this.#isOver && this.#database.adminUrl() === url) {
      const { rows } = await send(this.#tables.readLocks())
      this.looks++
      const seen = new Map(rows.map((row) => [String(row.lock_key), asSeen(row)]))
      const nowUs = Number(rows[0]?.now ?? this.#lastLookUs)
      for (const key of new Set([...this.#rows.keys(), ...seen.keys()]))
        this.#compare(key, this.#rows.get(key), seen.get(key), nowUs)
      this.#rows = seen
      this.#lastLookUs = nowUs
      await sleep(LOOK_EVERY_MS)
    }
  }

  #compare(key: string, before: SeenRow | undefined, now: SeenRow | undefined, nowUs: number): void {
    if (before?.owner === now?.owner && before?.token === now?.token && before?.expiresUs === now?.expiresUs) return
    const entries = this.#trail.get(key) ?? []
    this.#trail.set(key, entries)
    entries.push({
      key,
      oldOwner: before?.owner ?? null,
      oldToken: before?.token ?? null,
      oldExpiresUs: before?.expiresUs ?? null,
      owner: now?.owner ?? null,
      token: now?.token ?? null,
      expiresUs: now?.expiresUs ?? null,
      atUs: this.#whenChanged(before, now, nowUs),
    })
  }

  /**
   * The row itself says when it was granted, or freed: that can be later than this look's own time, which is that of the start of its
   * statement. An extension does not say it: it may have come right after the look before.
   */
  #whenChanged(before: SeenRow | undefined, now: SeenRow | undefined, nowUs: number): number {
    if (now === undefined) return nowUs
    if (now.owner !== null && before?.token === now.token) return this.#lastLookUs
    const toldUs = now.owner === null ? now.expiresUs : now.acquiredUs
    return toldUs >= this.#lastLookUs ? toldUs : nowUs
  }
}

function asSeen(row: Readonly<Record<string, unknown>>): SeenRow {
  return {
    owner: row.owner === null ? null : String(row.owner),
    token: Number(row.token),
    expiresUs: Number(row.expires_at),
    acquiredUs: Number(row.acquired_at),
  }
}
