import type { FaultDetails, Scene } from '../fault.ts'
import type { WorkerProcess } from '../worker-process.ts'

/** The worker that was drawn. */
export function workerOf({ worker }: FaultDetails, { workers }: Scene): WorkerProcess {
  const found = workers[Number(worker)]
  if (found === undefined) throw new Error(`there is no worker ${worker}`)
  return found
}
