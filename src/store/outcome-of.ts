import type { TryAnswer } from '../dialects/dialect.ts'
import type { TryOutcome } from './lock-store.ts'

/** What an answer that is not open means for the one who asked. `hasWaited`: the statement may have waited for the row. */
export function outcomeOf(answer: TryAnswer, hasWaited = false): TryOutcome {
  if (answer.kind === 'granted') return { granted: true, token: answer.token, grantedAtUs: answer.grantedAtUs }
  if (answer.kind === 'held') return { granted: false, freeInUs: answer.freeInUs }
  return { granted: false, freeInUs: null, isUncertain: true, hasWaited }
}
