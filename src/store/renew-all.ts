import type { ExtendAnswer, LockDialect } from '../dialects/dialect.ts'
import type { Answer, RenewalInput, Statement, StatementInput } from '../statement.ts'
import { leaseStateOf } from './lease-state.ts'
import type { Renewal, RenewalAnswer } from './lock-store.ts'

/** Renewals of one statement: enough for any process, and a text that no server finds too long. */
const MOST_AT_ONCE = 1_000

/** Sends one statement. Rejects with trouble. */
export type SendRenewal = (statement: Statement, input: Partial<StatementInput>) => Promise<Answer>

/** Extends many holds: in one statement for a thousand, and where that does not tell which of them it has extended, one by one. */
export async function renewAll(
  dialect: LockDialect,
  renewals: readonly Renewal[],
  send: SendRenewal,
): Promise<RenewalAnswer[]> {
  const answers: ExtendAnswer[] = []
  for (let start = 0; start < renewals.length; start += MOST_AT_ONCE) {
    const asked = renewals.slice(start, start + MOST_AT_ONCE).map(({ hold, ttlUs }) => ({ ...hold, ttlUs }))
    const sent = await send(dialect.statements.extendAll, { renewals: asked })
    answers.push(...(dialect.readExtendAll(sent, asked) ?? (await oneByOne(dialect, asked, send))))
  }
  return answers.map((answer) => {
    if (answer.kind === 'extended') return { kind: 'renewed', atUs: answer.atUs }
    return { kind: answer.kind === 'locked' ? 'held' : 'lost' }
  })
}

/** One that was not extended is lost, unless the row still names the hold: then somebody has it locked. */
async function oneByOne(
  dialect: LockDialect,
  asked: readonly RenewalInput[],
  send: SendRenewal,
): Promise<ExtendAnswer[]> {
  const answers: ExtendAnswer[] = []
  for (const renewal of asked) {
    const answer = dialect.readExtend(await send(dialect.statements.extendAll, { renewals: [renewal] }))
    const isLocked = answer.kind === 'lost' && (await isLive(dialect, renewal, send))
    answers.push(isLocked ? { kind: 'locked' } : answer)
  }
  return answers
}

async function isLive(dialect: LockDialect, { key, owner, token }: RenewalInput, send: SendRenewal): Promise<boolean> {
  const state = leaseStateOf(await send(dialect.statements.inspect, { key }))
  return state !== null && state.owner === owner && state.token === token && state.remainingUs !== 0
}
