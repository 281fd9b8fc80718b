import type { ExtendAnswer, HandOverAnswer, HoldLook } from '../dialects/dialect.ts'
import type { Answer, RenewalInput, Statement, StatementInput } from '../statement.ts'

/** Sends one statement. Rejects with trouble. */
export type SendStatement = (statement: Statement, input: Partial<StatementInput>) => Promise<Answer>

/** An extension where its own reply cannot tell the moment: a look at the hold, and the change. */
export async function extendAfterLook(
  look: HoldLook,
  statement: Statement,
  input: RenewalInput,
  send: SendStatement,
): Promise<ExtendAnswer> {
  const before = await lookAt(look, input, send)
  if (!before?.isLive) return { kind: 'lost' }
  const { affectedRows } = await send(statement, { ...input })
  if (affectedRows > 0) return { kind: 'extended', atUs: before.nowUs }
  // A change that changes nothing (never, and never again) is not counted by every driver.
  const after = await lookAt(look, input, send)
  return after?.isLive ? { kind: 'extended', atUs: after.nowUs } : { kind: 'lost' }
}

/** A hand-over where its own reply cannot tell the token: a look at the hold, and the change. */
export async function handOverAfterLook(
  look: HoldLook,
  statement: Statement,
  input: Partial<StatementInput>,
  send: SendStatement,
): Promise<HandOverAnswer> {
  const found = await lookAt(look, input, send)
  if (!found) return { kind: 'lost' }
  const { nextToken, nowUs, isWanted } = found
  const { affectedRows } = await send(statement, { ...input, nextToken, nowUs })
  return affectedRows > 0 ? { kind: 'granted', token: nextToken, grantedAtUs: nowUs, isWanted } : { kind: 'lost' }
}

async function lookAt({ statement, read }: HoldLook, input: Partial<StatementInput>, send: SendStatement) {
  return read(await send(statement, input))
}
