/** One worker, as the torture sees it. (Being written.) */
export interface WorkerProcess {
  readonly index: number
  /** Its process now; `undefined` while it is being started again. */
  readonly pid: number | undefined
}
