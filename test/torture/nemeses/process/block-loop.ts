import type { FaultKind } from '../../fault.ts'
import { WORKERS } from '../../workers.ts'
import { pause } from '../pause.ts'
import { workerOf } from '../worker-of.ts'

/** A computation that keeps the event loop busy: timers and answers are late, the monotonic clock goes on. */
export const blockLoop: FaultKind = {
  name: 'block an event loop',
  lane: 'process',
  weight: 6,
  draw: (random) => ({ worker: random.integer(0, WORKERS - 1), forMs: random.integer(300, 3_000) }),
  async inject(details, scene, signal) {
    const worker = workerOf(details, scene)
    if (worker.pid === undefined) throw new Error('it is not running')
    worker.block(Number(details.forMs))
    await pause(Number(details.forMs), signal)
  },
}
