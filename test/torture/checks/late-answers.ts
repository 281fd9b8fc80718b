import { Acknowledged } from '../acknowledged.ts'
import { type Check, when } from '../evidence.ts'
import { stoodStillMs } from './stood-still.ts'

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
      if (tookMs <= event.waitMs + SLACK_MS + stoodStillMs(evidence, event.process, { from: event.t, until: answer.t }))
        return []
      return [
        `${event.key}: ${event.op} was answered "${answer.e}" after ${Math.round(tookMs)} ms, at ${when(evidence, answer.t)}; its timeout was ${event.waitMs} ms`,
      ]
    })
  },
}
