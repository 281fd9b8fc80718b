import { StoreTrouble } from '../store-trouble.ts'

/** Timers of Node.js count to here: about 25 days. */
const LONGEST_TIMER_MS = 2 ** 31 - 1

/** The answer, if it comes within that time; else trouble, though it may still come. Keeps no process alive. */
export function inTime<T>(answer: Promise<T>, withinMs: number): Promise<T> {
  if (withinMs > LONGEST_TIMER_MS) return answer
  return new Promise((resolve, reject) => {
    const timer = setTimeout(
      () => reject(new StoreTrouble('unanswered', new Error(`there was no answer within ${Math.round(withinMs)} ms`))),
      withinMs,
    )
    timer.unref()
    answer.then(resolve, reject).finally(() => clearTimeout(timer))
  })
}
