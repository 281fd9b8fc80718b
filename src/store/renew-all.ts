import type { ExtendAnswer, LockDialect } from '../dialects/dialect.ts'
import type { Answer, RenewalInput } from '../statement.ts'
import { extendAfterLook, type SendStatement } from './after-look.ts'
import { leaseStateOf } from './lease-state.ts'
import type { Renewal, RenewalAnswer } from './lock-store.ts'
import { RowLocked } from './row-locked.ts'

/** Renewals of one statement: enough for any process, and a text that no server finds too long. */
const MOST_AT_ONCE = 1_000

export type { SendStatement as SendRenewal }

/**
 * Extends many holds: in one statement for a thousand. Where that does not tell which of them it has extended, each half is sent by
 * itself, and so on: a row that somebody has locked costs a few statements, and not one for every other hold.
 *
 * @param isLate the caller will not wait for much longer: what was not asked by then is answered `held`, which is asked again soon
 */
export async function renewAll(
  dialect: LockDialect,
  renewals: readonly Renewal[],
  send: SendStatement,
  isLate: () => boolean,
): Promise<RenewalAnswer[]> {
  const answers: ExtendAnswer[] = []
  for (let start = 0; start < renewals.length; start += MOST_AT_ONCE) {
    const asked = renewals.slice(start, start + MOST_AT_ONCE).map(({ hold, ttlUs }) => ({ ...hold, ttlUs }))
    answers.push(...(await extendThese(dialect, asked, send, isLate)))
  }
  return answers.map((answer) => {
    if (answer.kind === 'extended') return { kind: 'renewed', atUs: answer.atUs }
    return { kind: answer.kind === 'locked' ? 'held' : 'lost' }
  })
}

async function extendThese(
  dialect: LockDialect,
  asked: readonly RenewalInput[],
  send: SendStatement,
  isLate: () => boolean,
): Promise<ExtendAnswer[]> {
  if (dialect.holdLook) return extendOneByOne(dialect, asked, send, isLate)
  const sent = await send(dialect.statements.extendAll, { renewals: asked })
  const answers = dialect.readExtendAll(sent, asked)
  if (answers) return answers
  if (asked.length === 1) return [await answerOfOne(dialect, asked[0] as RenewalInput, sent, send)]
  if (isLate()) return asked.map(() => ({ kind: 'locked' }))
  const half = Math.ceil(asked.length / 2)
  const first = await extendThese(dialect, asked.slice(0, half), send, isLate)
  const second = await extendThese(dialect, asked.slice(half), send, isLate)
  return [...first, ...second]
}

async function extendOneByOne(
  { holdLook, statements }: LockDialect,
  asked: readonly RenewalInput[],
  send: SendStatement,
  isLate: () => boolean,
): Promise<ExtendAnswer[]> {
  const answers: ExtendAnswer[] = []
  for (const one of asked) {
    if (!holdLook || isLate()) {
      answers.push({ kind: 'locked' })
      continue
    }
    const answer = extendAfterLook(holdLook, statements.extendAll, one, send)
    answers.push(
      await answer.catch((error): ExtendAnswer => {
        if (error instanceof RowLocked) return { kind: 'locked' }
        throw error
      }),
    )
  }
  return answers
}

/** One that was not extended is lost, unless the row still names the hold: then somebody has it locked. */
async function answerOfOne(
  dialect: LockDialect,
  { key, owner, token }: RenewalInput,
  sent: Answer,
  send: SendStatement,
): Promise<ExtendAnswer> {
  const answer = dialect.readExtend(sent)
  if (answer.kind !== 'lost') return answer
  const state = leaseStateOf(await send(dialect.statements.inspect, { key }))
  const isLive = state !== null && state.owner === owner && state.token === token && state.remainingUs !== 0
  return isLive ? { kind: 'locked' } : answer
}
