import { Acknowledged } from './acknowledged.ts'
import { type Evidence, isGrant, type LockLook, type Span, type TrailEntry, wasLive } from './evidence.ts'

/** The two clocks are known to each other to within less. */
const TOLERANCE_US = 20_000

/** How an attempt names a presence: the server, and the presence. */
const PRESENT = /^present:([0-9a-f]{16}):([0-9a-f]{16}):/

/** When a presence was at the server. */
interface Seen {
  /** It was there at this moment, or later. */
  last: number
  /** It was gone at this moment, or before; as long as the server is the same. */
  goneAt: number | undefined
}

/** What the server was seen to say of presences. Made once for all checks. */
export class Presences {
  readonly #seen = new Map<string, Seen>()
  readonly #looks: readonly LockLook[]
  /** Those that the latest look saw. */
  readonly #present = new Map<string, Seen>()

  private constructor({ looks }: Evidence) {
    this.#looks = looks
    for (const look of looks) this.#add(look)
  }

  static #known = new WeakMap<readonly LockLook[], Presences>()

  static of(evidence: Evidence): Presences {
    const known = Presences.#known.get(evidence.looks) ?? new Presences(evidence)
    Presences.#known.set(evidence.looks, known)
    return known
  }

  /** Whether a lease that names it is anybody's from that moment on, as far as the looks tell. `true` also if nobody ever saw the presence. */
  wasGone(attempt: string | null, at: number): boolean {
    const named = PRESENT.exec(attempt ?? '')?.[2]
    const seen = named === undefined ? undefined : this.#seen.get(named)
    return seen === undefined || seen.last <= at + TOLERANCE_US
  }

  /** When a lease that names it is anybody's who looks at presences: until the server is another one. `undefined`: nobody knows. */
  anybodysSpan(attempt: string | null): Span | undefined {
    const [, server, name] = PRESENT.exec(attempt ?? '') ?? []
    const goneAt = name === undefined ? undefined : this.#seen.get(name)?.goneAt
    if (goneAt === undefined) return undefined
    const other = this.#looks.find((look) => look.from > goneAt && look.server !== null && look.server !== server)
    return { from: goneAt, until: other?.from ?? Number.POSITIVE_INFINITY }
  }

  #add({ from, until, presences }: LockLook): void {
    for (const [name, seen] of this.#present) {
      if (presences.has(name)) continue
      seen.goneAt = until
      this.#present.delete(name)
    }
    for (const name of presences) {
      const seen = this.#seen.get(name) ?? { last: from, goneAt: undefined }
      seen.last = from
      seen.goneAt = undefined
      this.#seen.set(name, seen)
      this.#present.set(name, seen)
    }
  }
}

/** Whether the lease that this attempt has won ends with its process. */
export function namesPresence(attempt: string | null): boolean {
  return PRESENT.test(attempt ?? '')
}

/**
 * Whether a lease was granted to somebody else before its time was over, by one who looks at presences, from one who names one. Where rows are
 * only looked at, who took it may have given it back by then.
 */
export function isTakenOver(entry: TrailEntry, { trailKind }: Evidence): boolean {
  const isLookedAfter = namesPresence(entry.attempt) || (trailKind === 'sampled' && entry.attempt === null)
  return isGrant(entry) && wasLive(entry) && namesPresence(entry.oldAttempt) && isLookedAfter
}

/** The same, from one whose presence was gone. */
export function isTakenFromGone(entry: TrailEntry, evidence: Evidence): boolean {
  if (!isTakenOver(entry, evidence)) return false
  return Presences.of(evidence).wasGone(entry.oldAttempt, entry.atUs - evidence.clockOffsetUs)
}

/** Whether a process that has heard of the end of its presence can have made this change: it gives back what it has lost. */
export function isGivenUp(entry: TrailEntry, evidence: Evidence): boolean {
  const { key, oldToken, oldAttempt, atUs } = entry
  if (!namesPresence(oldAttempt)) return false
  const acknowledged = Acknowledged.of(evidence)
  const grant = acknowledged.grantOf(key, oldToken)
  if (grant === undefined) return false
  const until = atUs - evidence.clockOffsetUs + TOLERANCE_US
  return acknowledged.lostPresence(grant.process, { from: grant.t, until }) !== undefined
}
