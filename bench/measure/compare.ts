import { failureReason } from '../../test/servers/failure-reason.ts'
import type { Bench } from '../bench.ts'
import type { Counters, Place } from '../places/place.ts'
import type { Crew } from '../workers/crew.ts'
import type { Order } from '../workers/orders.ts'
import type { Contender } from './contender.ts'
import { openCrew } from './open-crew.ts'
import { Series } from './series.ts'

/** One thing that every contender does in every round. */
export interface Play {
  /** Unique in its comparison; for people. */
  readonly label: string
  orderFor(process: number): Order
}

/** What was left out of a comparison. */
export interface LeftOut {
  readonly what: string
  readonly reason: string
}

interface Entrant {
  readonly contender: Contender
  readonly crew: Crew
  readonly place: Place
}

/** Several contenders doing the same, in turns. */
export class Comparison {
  readonly leftOut: LeftOut[] = []
  readonly #byContender = new Map<string, Map<string, Series>>()

  series(contender: string, play: string): Series | undefined {
    return this.#byContender.get(contender)?.get(play)
  }

  enter(contender: string, plays: readonly Play[]): void {
    this.#byContender.set(contender, new Map(plays.map(({ label }) => [label, new Series()])))
  }

  /** Half of a comparison compares nothing. */
  drop(contender: string, reason: string): void {
    this.#byContender.delete(contender)
    this.leftOut.push({ what: contender, reason })
  }
}

/**
 * Round by round, and in each round play by play, every contender has its turn, alone; who begins changes with every round. So a machine that
 * gets slower is slower for all. Who cannot take part, or fails, is left out, and named.
 */
export async function compare(
  bench: Bench,
  contenders: readonly Contender[],
  plays: readonly Play[],
  rounds = bench.settings.rounds,
): Promise<Comparison> {
  const comparison = new Comparison()
  await using open = new AsyncDisposableStack()
  let entrants: Entrant[] = []
  for (const contender of contenders) {
    try {
      bench.progress.say(`opening ${contender.label}`)
      const { crew, place } = await openCrew(contender, bench.signal)
      open.use(crew)
      entrants.push({ contender, crew, place })
    } catch (error) {
      bench.signal.throwIfAborted()
      comparison.drop(contender.label, failureReason(error))
    }
  }
  for (const { contender } of entrants) comparison.enter(contender.label, plays)

  for (let round = 0; round < rounds; round++) {
    for (const play of plays) {
      for (const entrant of rotated(entrants, round)) {
        bench.progress.say(`round ${round + 1} of ${rounds}, ${play.label}: ${entrant.contender.label}`)
        const reason = await playOnce(bench, entrant, play, comparison)
        if (reason === undefined) continue
        comparison.drop(entrant.contender.label, reason)
        entrants = entrants.filter((one) => one !== entrant)
      }
    }
  }
  return comparison
}

/** Returns why it failed. */
async function playOnce(
  bench: Bench,
  { contender, crew, place }: Entrant,
  play: Play,
  comparison: Comparison,
): Promise<string | undefined> {
  try {
    const before = await place.counters()
    const done = await crew.obey((process) => play.orderFor(process))
    const counted = difference(before, await place.counters())
    comparison.series(contender.label, play.label)?.add({ done, counted })
    return undefined
  } catch (error) {
    bench.signal.throwIfAborted()
    return failureReason(error)
  }
}

function difference(before: Counters, after: Counters): Counters {
  return Object.fromEntries(
    Object.entries(after).map(([name, value]) => [name, value - (before[name as keyof Counters] ?? 0)]),
  )
}

function rotated<Item>(items: readonly Item[], by: number): Item[] {
  return items.map((_, index) => items[(index + by) % items.length] as Item)
}
