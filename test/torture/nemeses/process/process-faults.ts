import type { FaultKind } from '../../fault.ts'
import { blockLoop } from './block-loop.ts'
import { killWorker } from './kill-worker.ts'
import { pauseWorker } from './pause-worker.ts'
import { skewClock } from './skew-clock.ts'

/** What can happen to a worker. A file's clock is that of the processes themselves: there, nobody's clock is skewed. */
export function processFaults(family: 'sqlite' | 'postgres' | 'mysql'): FaultKind[] {
  return [killWorker, pauseWorker, blockLoop, ...(family === 'sqlite' ? [] : [skewClock])]
}
