import type { CommittedWrite, Evidence, LockLook, TrailEntry } from '../evidence.ts'
import type { HistoryEvent } from '../history.ts'

type Line = HistoryEvent extends infer Event
  ? Event extends HistoryEvent
    ? Omit<Event, 't' | 'process'>
    : never
  : never

interface Hold {
  readonly token: number
  readonly op?: string
  readonly key?: string
  readonly process?: string
  readonly ttlMs?: number
  /** What it ends with. */
  readonly presence?: string
}

type Change = Partial<Pick<TrailEntry, 'owner' | 'attempt' | 'token'>> & { leftMs?: number; toldMs?: number }

/** A hold of a session lock. */
interface SessionHold {
  readonly op: string
  readonly key?: string
  readonly process?: string
  /** Until its release is asked for. */
  readonly untilMs: number
  /** What its release was told; left out: nothing. */
  readonly code?: string
}

/** The database's clock is far from the shared one: whoever mixes them up is found out. */
const OFFSET_US = 1_700_000_000_000_000

/** Everybody who lives is still there then. */
const END_MS = 60_000

/** Its name in attempts. */
const SERVER = '00000000000000ff'

function attemptOf(presence: string | undefined, op: string): string {
  return presence === undefined ? op : `present:${SERVER}:${presence}:${op}`
}

/** Evidence that is written by hand. All times are milliseconds since the start. */
export class MadeUpStory {
  readonly #history: HistoryEvent[] = []
  readonly #trail = new Map<string, TrailEntry[]>()
  readonly #writes: CommittedWrite[] = []
  readonly #looks: LockLook[] = []
  readonly #dead = new Set<string>()

  /** A line of a history. */
  says(atMs: number, line: Line, process = '0.1'): this {
    this.#history.push({ ...line, t: atMs * 1000, process } as HistoryEvent)
    return this
  }

  /** A change of a key's row, which had the values of the change before. */
  row(atMs: number, key: string, change: Change): this {
    const entries = this.#trail.get(key) ?? []
    const before = entries.at(-1)
    const old = {
      ...{ owner: before?.owner ?? null, attempt: before?.attempt ?? null },
      ...{ token: before?.token ?? null, expiresUs: before?.expiresUs ?? null },
    }
    const atUs = OFFSET_US + atMs * 1000
    const { leftMs, toldMs, ...changed } = change
    const told = toldMs === undefined ? {} : { toldUs: OFFSET_US + toldMs * 1000 }
    const expiresUs = leftMs === undefined ? old.expiresUs : atUs + leftMs * 1000
    const past = {
      ...{ oldOwner: old.owner, oldAttempt: old.attempt, oldToken: old.token, oldExpiresUs: old.expiresUs },
    }
    entries.push({ key, ...past, ...old, ...changed, ...told, expiresUs, atUs })
    this.#trail.set(key, entries)
    return this
  }

  /** The row is free from now on. */
  frees(atMs: number, key = 'k'): this {
    return this.row(atMs, key, { owner: null, attempt: null, leftMs: 0 })
  }

  /** Asked for, granted and told, as it should be. */
  holds(atMs: number, { token, op = `op${token}`, key = 'k', process, ttlMs = 1_000, presence }: Hold): this {
    return this.says(atMs - 2, { e: 'ask', op, key, owner: op, waitMs: 0 }, process)
      .row(atMs, key, { owner: op, attempt: attemptOf(presence, op), token, leftMs: ttlMs })
      .says(atMs + 1, { e: 'granted', op, key, token, leftMs: ttlMs - 1 }, process)
  }

  /** Released, and told so. */
  letsGo(atMs: number, { token, key = 'k', process }: Hold): this {
    return this.says(atMs, { e: 'release', key, token }, process)
      .frees(atMs + 1, key)
      .says(atMs + 2, { e: 'released', key, token, code: 'ok' }, process)
  }

  /** In a transaction that is committed, unless `ends` says otherwise. */
  writes(
    atMs: number,
    write: Pick<CommittedWrite, 'op' | 'value' | 'token'>,
    ends: 'committed' | 'unknown' = 'committed',
  ): this {
    const { op, value } = write
    this.says(atMs - 1, { e: 'writes', op, counter: 'c', value }).says(atMs + 1, { e: 'commit', op })
    if (ends === 'committed') this.says(atMs + 2, { e: 'committed', op })
    this.#writes.push({ ...write, counter: 'c', tool: 'guard', atUs: OFFSET_US + atMs * 1000 })
    return this
  }

  /** A session lock: asked for, told, looked at every 100 ms, and released. */
  holdsSession(atMs: number, { op, key = 'session:hot:1', process, untilMs, code }: SessionHold): this {
    this.says(atMs - 2, { e: 'ask', op, key, owner: null, waitMs: 0 }, process)
    this.says(atMs, { e: 'session granted', op, key }, process)
    for (let t = atMs; t < untilMs; t += 100) this.says(t, { e: 'session alive', op, key }, process)
    this.says(untilMs, { e: 'session release', op, key }, process)
    if (code !== undefined) this.says(untilMs + 1, { e: 'session released', op, key, code }, process)
    return this
  }

  /** Looks at the server, every 20 ms from one time to another, which always see the same. */
  looks(fromMs: number, untilMs: number, seen: Partial<LockLook>): this {
    for (let t = fromMs; t < untilMs; t += 20) {
      const span = { from: t * 1000, until: t * 1000 + 500 }
      this.#looks.push({ server: SERVER, holders: new Map(), presences: new Set(), ...seen, ...span })
    }
    return this
  }

  /** It says nothing more. */
  dies(process: string): this {
    this.#dead.add(process)
    return this
  }

  evidence(more: Partial<Evidence> = {}): Evidence {
    const living = [...new Set(this.#history.map(({ process }) => process))].filter((name) => !this.#dead.has(name))
    const goodbyes = living.map((process): HistoryEvent => ({ e: 'closed', t: END_MS * 1000, process }))
    const isCounted = this.#writes.length > 0
    return {
      ...{ isPolled: false, trailKind: 'complete', clockOffsetUs: OFFSET_US },
      ...{ faults: [], calms: [], leftovers: [], unfinished: [] },
      ...{ knownUntil: Number.POSITIVE_INFINITY, isOver: true },
      history: [...this.#history.toSorted((one, other) => one.t - other.t), ...goodbyes],
      trail: this.#trail,
      looks: this.#looks,
      writes: this.#writes,
      counters: new Map(isCounted ? [['c', this.#writes.length]] : []),
      ...more,
    }
  }
}
