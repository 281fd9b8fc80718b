import type { SeenPresence } from '../dialects/dialect.ts'
import { errors } from '../errors.ts'

/** What the keeper of a presence can ask. */
export interface SessionQuestions {
  /** Who has the presence, asked on its own connection, on another one to the same address, or on the caller's. */
  see(by: 'own' | 'beside' | 'caller'): Promise<SeenPresence>
  /** Takes it, on its own connection. @returns by which session */
  take(): Promise<string>
}

/**
 * Takes the presence by a session that is proven to be ours alone, and sees to it that others see it. A pooler in transaction mode gives the connection of the server
 * that was used last to whoever comes next, or each in turn: in the first case another client has our session, in the second our own next statement has
 * another one. That is found out before anything is taken, since nobody could free it on a connection that we cannot choose.
 *
 * @throws LockError `E_SESSION_POOLED`; `E_UNSUPPORTED` when the callers' connections lead elsewhere
 */
export async function takeAlone({ see, take }: SessionQuestions): Promise<Omit<SeenPresence, 'holder'>> {
  const { session, server } = await see('own')
  for (const by of ['caller', 'beside', 'own'] as const) {
    const isSame = (await see(by)).session === session
    if (isSame !== (by === 'own')) throw pooledError()
  }
  if ((await take()) !== session) throw pooledError()
  const byCaller = await see('caller')
  // Asked last, before anything is concluded: when our session has ended, the server knows it before we do.
  const byOwn = await see('own')
  if (byOwn.session !== session) throw pooledError()
  for (const seen of [byCaller, byOwn]) {
    if (seen.server !== server || seen.holder !== session) throw elsewhereError()
  }
  return { session, server }
}

function pooledError(): Error {
  return new errors.E_SESSION_POOLED(
    'the connection that stands for the process goes through a pooler that shares sessions among its clients (as PgBouncer in transaction mode); ' +
      "give the store a direct address, `listen: { connectionString: 'postgres://…' }`, or leave `presence` out",
  )
}

function elsewhereError(): Error {
  return new errors.E_UNSUPPORTED(
    'a presence needs one server: the connection that stands for the process, and those that locks are taken on, lead to different servers or databases',
  )
}
