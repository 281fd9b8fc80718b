import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, type Span, type TrailEntry, when } from '../evidence.ts'
import { Presences } from '../presences.ts'
import { stoodStillMs } from './stood-still.ts'

/** After a storm, connections are made anew and leases of the dead run out. */
const SETTLING_US = 2_500_000

/** `delay` of every lock of the torture. */
const DELAY_US = 3_000_000

/** What a wake-up and a try take, many times over, on a busy machine. */
const SLACK_US = 1_200_000

/** G13. A key does not lie idle while somebody waits for it. */
export const idleKeys: Check = {
  name: 'waiters that were not served',
  meaning:
    'in a calm, a key lay free for longer than wake-ups take (or, where waiters poll, a `delay`), all in all, while somebody waited for it (G13)',
  find(evidence) {
    const bound = SLACK_US + (evidence.isPolled ? DELAY_US : 0)
    const waits = waitsOf(evidence)
    const acknowledged = Acknowledged.of(evidence)
    return [...waits].flatMap(([key, waiting]) => {
      const everFree = freeSpans(evidence, key)
      // For those who look at presences, what is left of the dead is free, too.
      const everAnybodys = [...everFree, ...anybodysSpans(evidence, key)]
      return evidence.calms.flatMap((calm) => {
        const settled = { from: calm.from + SETTLING_US, until: calm.until }
        const within = (spans: readonly Span[]) =>
          spans.map((span) => common(span, settled)).filter((span) => length(span) > 0)
        const [forAll, forThePresent] = [within(everFree), within(everAnybodys)]
        return waiting.flatMap((wait) => {
          if (length(common(wait, settled)) <= bound) return []
          const free = acknowledged.isPresent(wait.process) ? forThePresent : forAll
          const idleUs = free.reduce((sum, span) => sum + Math.max(0, length(common(span, wait))), 0)
          if (idleUs <= bound || idleUs <= bound + stoodStillMs(evidence, wait.process, wait) * 1000) return []
          return [
            `${key} lay free for ${(idleUs / 1e6).toFixed(1)} s while ${wait.op} waited, in the calm before ${when(evidence, calm.until)}`,
          ]
        })
      })
    })
  },
}

/** A call that waits, from its start to its answer. */
interface Wait extends Span {
  readonly op: string
  readonly process: string
}

/**
 * When somebody waited, by key. Left out are those who wait inside a transaction, which may be kept from seeing the key, and the keys
 * of counters: transactions have their rows locked for as long as they like.
 */
function waitsOf(evidence: Evidence): Map<string, Wait[]> {
  const { answers, lastWords } = Acknowledged.of(evidence)
  const waits = new Map<string, Wait[]>()
  for (const event of evidence.history) {
    if (event.e !== 'ask' || event.waitMs === 0 || event.owner === null || evidence.counters.has(event.key)) continue
    const until = answers.get(event.op)?.t ?? lastWords.get(event.process)?.t ?? event.t
    const ofKey = waits.get(event.key) ?? []
    waits.set(event.key, ofKey)
    ofKey.push({ op: event.op, process: event.process, from: event.t, until })
  }
  return waits
}

/** When nobody held it, by the shared clock. */
function freeSpans(evidence: Evidence, key: string): Span[] {
  const entries = evidence.trail.get(key) ?? []
  return entries.flatMap((entry, index) => {
    const from = freeFrom(entry) - evidence.clockOffsetUs
    const next = entries[index + 1]
    const until = (next?.toldUs ?? next?.atUs ?? Number.POSITIVE_INFINITY) - evidence.clockOffsetUs
    return until > from ? [{ from, until }] : []
  })
}

/** When somebody held it whose presence was gone, by the shared clock. */
function anybodysSpans(evidence: Evidence, key: string): Span[] {
  const entries = evidence.trail.get(key) ?? []
  return entries.flatMap((entry, index) => {
    const anybodys = Presences.of(evidence).anybodysSpan(entry.attempt)
    if (anybodys === undefined) return []
    const next = entries[index + 1]
    const held = {
      from: entry.atUs,
      until: Math.min(next?.toldUs ?? next?.atUs ?? Number.POSITIVE_INFINITY, freeFrom(entry)),
    }
    const offset = evidence.clockOffsetUs
    const span = common(anybodys, { from: held.from - offset, until: held.until - offset })
    return length(span) > 0 ? [span] : []
  })
}

function freeFrom({ owner, expiresUs, atUs, toldUs }: TrailEntry): number {
  return owner === null ? (toldUs ?? atUs) : Math.max(atUs, expiresUs ?? atUs)
}

function common(one: Span, other: Span): Span {
  return { from: Math.max(one.from, other.from), until: Math.min(one.until, other.until) }
}

function length({ from, until }: Span): number {
  return until - from
}
