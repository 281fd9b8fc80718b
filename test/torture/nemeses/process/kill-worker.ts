import type { FaultKind } from '../../fault.ts'
import { WORKERS } from '../../workers.ts'
import { workerOf } from '../worker-of.ts'

/** SIGKILL, wherever it is; another process takes its place. */
export const killWorker: FaultKind = {
  name: 'kill a worker',
  lane: 'process',
  weight: 10,
  draw: (random) => ({ worker: random.integer(0, WORKERS - 1), restartAfterMs: random.integer(0, 1_500) }),
  async inject(details, scene) {
    const worker = workerOf(details, scene)
    if (worker.pid === undefined) throw new Error('it is not running')
    worker.kill(Number(details.restartAfterMs))
  },
}
