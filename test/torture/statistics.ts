import { Acknowledged } from './acknowledged.ts'
import { hadLetGo } from './checks/let-go.ts'
import { type Evidence, isGrant, wasLive } from './evidence.ts'
import { isTakenFromGone } from './presences.ts'

/** How much was done and suffered. */
export interface Statistics {
  /** Pieces of work that were finished, by kind. */
  readonly work: ReadonlyMap<string, number>
  readonly granted: number
  readonly refused: number
  /** Calls that failed, by code. */
  readonly failed: ReadonlyMap<string, number>
  /** Calls of which nobody knows what they were told: their process died. */
  readonly unanswered: number
  /** Grants of a key whose holder had not let go: its time was over. */
  readonly takeovers: number
  /** Grants of a key before its holder's time was over, since its process was gone. */
  readonly takenFromGone: number
  /** Session locks that were granted, and of these those whose session ended before the work did. */
  readonly sessionHolds: number
  readonly endedSessions: number
  /** Presences that a process lived on without. */
  readonly lostPresences: number
  /** Grants by the release before, in one statement. */
  readonly handOvers: number
  /** Grants that nobody was told of. */
  readonly unheard: number
  readonly committedWrites: number
  /** Commits whose outcome the process never learnt, and of these those that had happened. */
  readonly unknownCommits: number
  readonly unknownCommitsThatHappened: number
  /** Holders that were told of their loss. */
  readonly losses: number
  /** Acknowledged grants that the database does not know: lost in a failover. */
  readonly lostGrants: number
  /** Faults, by kind: injected, and not. */
  readonly faults: ReadonlyMap<string, { readonly injected: number; readonly failed: number }>
  readonly processes: number
  readonly stalls: number
  /** How far off a process's time of day was. */
  readonly largestSkewMs: number
}

export function statisticsOf(evidence: Evidence): Statistics {
  const { history, trail, writes } = evidence
  const acknowledged = Acknowledged.of(evidence)
  const entries = [...trail.values()].flat()
  const grants = entries.filter(isGrant)
  const takenFromGone = new Set(
    grants.filter((entry) => isTakenFromGone(entry, evidence) && !hadLetGo(entry, evidence)),
  )
  const happened = new Set(writes.map(({ op }) => op))
  const began = new Set(history.flatMap((event) => (event.e === 'commit' ? [event.op] : [])))
  const settled = new Set(history.flatMap((event) => (event.e === 'committed' ? [event.op] : [])))
  const unknown = [...began].filter((op) => !settled.has(op))
  const known = new Set(grants.map(({ key, token }) => `${key} ${token}`))
  const told = history.filter((event) => event.e === 'granted')
  const count = (name: string) => history.filter(({ e }) => e === name).length
  return {
    work: tally(history.flatMap((event) => (event.e === 'done' ? [event.work] : []))),
    granted: told.length,
    refused: count('refused'),
    failed: tally(history.flatMap((event) => (event.e === 'failed' ? [event.code] : []))),
    unanswered: [...acknowledged.asks.keys()].filter((op) => !acknowledged.answers.has(op)).length,
    takeovers: grants.filter((entry) => entry.oldOwner !== null && !wasLive(entry)).length,
    takenFromGone: takenFromGone.size,
    sessionHolds: count('session granted'),
    endedSessions: count('session lost'),
    lostPresences: count('presence gone'),
    handOvers: grants.filter(
      (entry) => wasLive(entry) && entry.owner !== null && entry.oldOwner !== entry.owner && !takenFromGone.has(entry),
    ).length,
    // Without an owner: forced open, a lock until commit, or a token that the pruning fault has set ahead.
    unheard: grants.filter(({ key, token, owner }) => owner !== null && !acknowledged.grantOf(key, token)).length,
    committedWrites: writes.length,
    unknownCommits: unknown.length,
    unknownCommitsThatHappened: unknown.filter((op) => happened.has(op)).length,
    losses: count('lost'),
    lostGrants: told.filter(({ key, token }) => acknowledged.isHold(key, token) && !known.has(`${key} ${token}`))
      .length,
    faults: faultsOf(evidence),
    processes: acknowledged.lastWords.size,
    stalls: count('stalled'),
    largestSkewMs: largestSkew(evidence),
  }
}

function tally(names: readonly string[]): Map<string, number> {
  const counts = new Map<string, number>()
  for (const name of names) counts.set(name, (counts.get(name) ?? 0) + 1)
  return new Map([...counts].sort(([, one], [, other]) => other - one))
}

function faultsOf({ faults }: Evidence): Map<string, { injected: number; failed: number }> {
  const counts = new Map<string, { injected: number; failed: number }>()
  for (const { kind, failure } of faults) {
    const count = counts.get(kind) ?? { injected: 0, failed: 0 }
    count[failure === undefined ? 'injected' : 'failed']++
    counts.set(kind, count)
  }
  return new Map([...counts].sort(([one], [other]) => one.localeCompare(other)))
}

/** The database's clock is the real one. */
function largestSkew({ history, clockOffsetUs }: Evidence): number {
  return history.reduce((largest, event) => {
    if (event.e !== 'clock') return largest
    return Math.max(largest, Math.abs(event.wall - (event.t + clockOffsetUs) / 1000))
  }, 0)
}
