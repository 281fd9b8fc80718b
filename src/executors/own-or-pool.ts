import type { Clock } from '../clock.ts'
import type { OwnConnection, SqlExecutor } from './executor.ts'
import { NeverConnected } from './never-connected.ts'

/**
 * Sends what must be sent through the caller's pool after all, where no connection of our own can be had: the server is full, or
 * the role may have no more. What was sent on our own, and had no answer, is not sent again here.
 */
export function ownOrPool(own: OwnConnection, pool: SqlExecutor, clock: Clock): OwnConnection {
  return {
    async execute(wording, values, withinMs) {
      const endMs = clock.nowMs() + withinMs
      try {
        return await own.execute(wording, values, withinMs)
      } catch (error) {
        const leftMs = endMs - clock.nowMs()
        if (!(error instanceof NeverConnected) || leftMs <= 0) throw error
        return await within(leftMs, clock, pool.execute(wording, values), error)
      }
    },
    close: () => own.close(),
  }
}

/** If the pool is late, it is told what went wrong first. */
function within<Result>(withinMs: number, clock: Clock, work: Promise<Result>, cause: Error): Promise<Result> {
  return new Promise((resolve, reject) => {
    const late = () => {
      const message = `no answer through the pool, either, within ${Math.round(withinMs)} ms; ${cause.message}`
      reject(Object.assign(new Error(message, { cause }), { code: 'ETIMEDOUT' }))
    }
    const cancel = clock.after(withinMs, late, false)
    work.then(resolve, reject).finally(cancel)
  })
}
