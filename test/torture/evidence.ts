import type { FaultDetails, Lane } from './fault.ts'
import type { HistoryEvent } from './history.ts'

/** Everything that the checks know. Times are microseconds: `…Us` of the database's clock, `t` and spans of the shared one. */
export interface Evidence {
  /** Waiters are not told of releases by other processes: they poll. */
  readonly isPolled: boolean
  /** In the order of time. */
  readonly history: readonly HistoryEvent[]
  /** Every change of every lock's row, by key, in the order in which they were made. */
  readonly trail: ReadonlyMap<string, readonly TrailEntry[]>
  /** `sampled`: made of looks at the rows, many in a second. What came and went between two of them is not in it. */
  readonly trailKind: 'complete' | 'sampled'
  /** Who had the locks of sessions at the server, by looks, many in a second. None where there are no such locks. */
  readonly looks: readonly LockLook[]
  /** What was committed under guards and locks until commit. */
  readonly writes: readonly CommittedWrite[]
  readonly counters: ReadonlyMap<string, number>
  /** The shared clock plus this is the database's. */
  readonly clockOffsetUs: number
  /** Faults that were injected. */
  readonly faults: readonly InjectedFault[]
  /** When nothing was broken on purpose. */
  readonly calms: readonly Span[]
  /** A failover to a standby that lagged: grants and commits that were acknowledged shortly before it may be gone. */
  readonly loss?: Span | undefined
  /** What was found after the end: sessions, row locks, rows that are held. Empty while it runs. */
  readonly leftovers: readonly string[]
  /** Workers that did not finish in time, or died by themselves, with what they said. Empty while it runs. */
  readonly unfinished: readonly string[]
  /** The trail was read at this moment of the shared clock: what was told later may not be in it. */
  readonly knownUntil: number
  /** False while the torture goes on: then what is missing may still come. */
  readonly isOver: boolean
}

/** A change of a lock's row. Old values are null for a new row, new ones for one that was removed. */
export interface TrailEntry {
  readonly key: string
  readonly oldOwner: string | null
  readonly oldAttempt: string | null
  readonly oldToken: number | null
  readonly oldExpiresUs: number | null
  readonly owner: string | null
  /** Names the presence that the hold ends with, if it does. */
  readonly attempt: string | null
  readonly token: number | null
  readonly expiresUs: number | null
  /** In a sampled trail: by then at the latest (of an extension: not before). */
  readonly atUs: number
  /** In a sampled trail: when it was granted or freed by what the row says, which is the start of the statement. */
  readonly toldUs?: number
}

/** One look at the locks of sessions. It saw what was so at some time of the span. */
export interface LockLook extends Span {
  /** As leases that name a presence name the server. `null`: it keeps its name when it starts again. */
  readonly server: string | null
  /** By key of a session lock, the session that has it. */
  readonly holders: ReadonlyMap<string, string>
  /** Presences that are there, by name. */
  readonly presences: ReadonlySet<string>
}

export interface CommittedWrite {
  readonly op: string
  readonly counter: string
  readonly value: number
  readonly token: number
  readonly tool: string
  readonly atUs: number
}

/** Of the shared clock. */
export interface Span {
  readonly from: number
  readonly until: number
}

export interface InjectedFault extends Span {
  readonly kind: string
  readonly lane: Lane
  readonly details: FaultDetails
  /** Why it could not be injected. */
  readonly failure?: string
}

/** What a check found. */
export interface Violation {
  /** The name of the check. */
  readonly check: string
  readonly what: string
}

export interface Check {
  /** For the report: `holds overlap`. */
  readonly name: string
  /** What it means, for people who read a report. */
  readonly meaning: string
  find(evidence: Evidence): string[]
}

/** A grant: the row names a new hold, or has a new token for a lock until commit. */
export function isGrant({ token, oldToken, owner, oldOwner }: TrailEntry): boolean {
  if (token === null) return false
  return token !== oldToken || (owner !== null && owner !== oldOwner)
}

/** Whether it was held when it was changed, by the database's clock. */
export function wasLive({ oldOwner, oldExpiresUs, atUs }: TrailEntry): boolean {
  return oldOwner !== null && oldExpiresUs !== null && oldExpiresUs > atUs
}

/** How long after a lossy failover those that hold what was lost may still believe in it: the longest lease. */
const LOSS_IS_FELT_US = 10_000_000

/** Whether what was known at that time may have been lost. */
export function isLossFelt({ loss }: Evidence, t: number): boolean {
  return loss !== undefined && t >= loss.from - LOSS_IS_FELT_US && t <= loss.until + LOSS_IS_FELT_US
}

/** Names a hold in a map. */
export function holdName(key: string, token: number | null): string {
  return `${key} ${token}`
}

/** For people: seconds since the start. */
export function when({ history }: Evidence, t: number): string {
  return `${((t - (history[0]?.t ?? t)) / 1_000_000).toFixed(3)} s`
}

/** The same for a time of the database's. */
export function whenUs(evidence: Evidence, atUs: number): string {
  return when(evidence, atUs - evidence.clockOffsetUs)
}
