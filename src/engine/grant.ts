import type { LeaseRequest, Presence } from '../store/lock-store.ts'

/** A lease that was won. */
export interface Grant {
  /** Which call of acquire won it. */
  readonly attempt: string
  /** An earlier sending of the same try went unanswered, and may still be carried out. */
  readonly wasUnheard: boolean
  readonly token: number
  /** Until when holding can be proven, by the local monotonic clock; `Infinity`: for ever. */
  readonly deadlineMs: number
  /** When the winning statement was sent, by the local clock, and when it was carried out, by the store's. */
  readonly sentAtMs: number
  readonly grantedAtUs: number
  /** How many times in a row the key was handed on inside this process, up to this grant. */
  readonly handOvers: number
  /** At the latest hand-over, somebody else, maybe in another process, wanted the key, too. */
  readonly isWanted: boolean
  /** See `TryOutcome.presence`. */
  readonly presence: Presence | undefined
}

/** What the store said of it. */
export interface GrantedAnswer {
  readonly token: number
  readonly grantedAtUs: number
  readonly presence?: Presence | undefined
}

/** A grant as the store's answer tells of it: holding counts from before the statement was sent. */
export function grantOf(
  { ttlUs, attempt }: LeaseRequest,
  { token, grantedAtUs, presence }: GrantedAnswer,
  sentAtMs: number,
  how: { wasUnheard?: boolean; handOvers?: number; isWanted?: boolean } = {},
): Grant {
  const deadlineMs = ttlUs === null ? Number.POSITIVE_INFINITY : sentAtMs + ttlUs / 1000
  const { wasUnheard = false, handOvers = 0, isWanted = false } = how
  return { attempt, token, grantedAtUs, sentAtMs, deadlineMs, wasUnheard, handOvers, isWanted, presence }
}
