import type { FaultKind } from '../../fault.ts'
import { WORKERS } from '../../workers.ts'
import { workerOf } from '../worker-of.ts'

const MOST_SECONDS = 3 * 24 * 60 * 60

/** The time of day of a worker jumps, while it holds and waits; it stays there until the next jump. */
export const skewClock: FaultKind = {
  name: 'skew a clock',
  lane: 'process',
  weight: 8,
  draw(random) {
    const isSmall = random.percent(30)
    const most = isSmall ? 90 : MOST_SECONDS
    return { worker: random.integer(0, WORKERS - 1), seconds: random.integer(-most, most) }
  },
  async inject(details, scene) {
    await workerOf(details, scene).setClock(Number(details.seconds))
  },
}
