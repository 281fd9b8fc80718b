import { Acknowledged } from '../acknowledged.ts'
import { type Check, type Evidence, when } from '../evidence.ts'
import { WATCH_EVERY_MS } from '../stalls.ts'

/** What a busy machine may add to a timeout. */
const SLACK_MS = 1_500

/** `timeout` bounds the whole call, whatever the database does. */
export const lateAnswers: Check = {
  name: 'late answers',
  meaning: 'a call with a timeout was not answered in that time, though its process did not stand still',
  find(evidence) {
    const { answers } = Acknowledged.of(evidence)
    return evidence.history.flatMap((event) => {
      if (event.e !== 'ask' || event.waitMs === 0) return []
      const answer = answers.get(event.op)
      if (answer === undefined) return []
      const tookMs = (answer.t - event.t) / 1000
      const lateMs = tookMs - event.waitMs - SLACK_MS
      // Only of the few that are late: each looks through the whole history.
      if (lateMs <= 0 || lateMs <= stoodStillMs(evidence, event.process, event.t, answer.t)) return []
      return [
        `${event.key}: ${event.op} was answered "${answer.e}" after ${Math.round(tookMs)} ms, at ${when(evidence, answer.t)}; its timeout was ${event.waitMs} ms`,
      ]
    })
  },
}

function stoodStillMs({ history }: Evidence, process: string, from: number, until: number): number {
  return history.reduce((sum, event) => {
    if (event.e !== 'stalled' || event.process !== process) return sum
    // It is written down after whatever else was waiting for the process to go on.
    return event.t >= from && event.t - event.forMs * 1000 - WATCH_EVERY_MS * 2_000 <= until ? sum + event.forMs : sum
  }, 0)
}
