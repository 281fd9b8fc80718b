import type { FaultKind } from '../../fault.ts'
import { WORKERS } from '../../workers.ts'
import { pause } from '../pause.ts'
import { workerOf } from '../worker-of.ts'

/** SIGSTOP for longer than most leases last, then SIGCONT: it goes on in the middle of what it did. */
export const pauseWorker: FaultKind = {
  name: 'pause a worker',
  lane: 'process',
  weight: 12,
  draw: (random) => ({ worker: random.integer(0, WORKERS - 1), forMs: random.integer(500, 4_500) }),
  async inject(details, scene, signal) {
    const worker = workerOf(details, scene)
    if (worker.pid === undefined) throw new Error('it is not running')
    const goOn = worker.pause()
    await pause(Number(details.forMs), signal)
    goOn()
  },
}
