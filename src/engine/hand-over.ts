import type { HandOverOutcome, LockStore } from '../store/lock-store.ts'
import { asTrouble } from '../store-trouble.ts'
import type { Timing } from './ask.ts'
import { type Bounds, OutOfTime } from './bounds.ts'
import type { GiveBack } from './give-back.ts'
import type { KeptHold } from './kept-hold.ts'
import type { Heir } from './line-place.ts'
import type { WaitLines } from './wait-lines.ts'

/** Releases that go to somebody in this process. */
export interface HandingOver {
  /**
   * Hands the key over to the next one in line, in one statement.
   *
   * @returns whether it did. If not, the hold is still to be released
   */
  handOver(hold: KeptHold, bounds: Bounds): Promise<boolean>
  /** The key was released: whoever waits for it in this process may ask. */
  freed(key: string): void
}

/** What handing over works with. */
export interface HandingOverParts {
  readonly store: Pick<LockStore, 'handOver'>
  readonly timing: Timing
  readonly giveBack: GiveBack
  readonly lines: WaitLines
}

/** Hands keys over to those who wait in line. */
export function handingOver(parts: HandingOverParts): HandingOver {
  return {
    async handOver(hold, bounds) {
      // If an earlier sending of the try that won it is carried out late, the token changes: the release knows what to do then.
      const heir = hold.wasUnheard ? undefined : parts.lines.heirOf(hold)
      return heir ? handOverTo(heir, parts, hold, bounds) : false
    },
    freed: (key) => parts.lines.freed(key),
  }
}

async function handOverTo(
  heir: Heir,
  { store, timing, giveBack }: HandingOverParts,
  hold: KeptHold,
  bounds: Bounds,
): Promise<boolean> {
  const sentAtMs = timing.clock.nowMs()
  const settle = (outcome: HandOverOutcome | undefined) => heir.settle(outcome, sentAtMs, hold.handOvers + 1)
  let answer: Promise<HandOverOutcome> | undefined
  try {
    answer = store.handOver(hold, heir.request)
    const outcome = await bounds.race(answer)
    settle(outcome)
    return outcome.granted
  } catch (error) {
    const isKnown = !(error instanceof OutOfTime) && !asTrouble(error).mayHaveHappened
    settle(isKnown ? { granted: false } : undefined)
    if (isKnown) return false
    // The release that comes next may find that somebody has the key by now: the heir.
    hold.isReleaseUnconfirmed = true
    if (!(error instanceof OutOfTime)) return false
    if (answer) giveBack.abandonLate(heir.request, answer, () => false)
    throw error
  }
}
