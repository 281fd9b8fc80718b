import { describe, expect, test } from 'vitest'
import { dialectNamed } from '../../src/dialects/detect.ts'
import type { SessionDialect } from '../../src/dialects/session-dialect.ts'
import { isLockError } from '../../src/index.ts'
import { PinnedSession } from '../../src/store/pinned-session.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ScriptedConnection } from '../support/scripted-connection.ts'

const QUESTION = { name: 'question', sql: 'select 1' }
const DIALECT = dialectNamed('postgres', { tableName: 'verrou_locks', schema: undefined })

/** What is notified on one of them arrives on all others that listen, and hear. */
class Server {
  readonly notifications: [channel: string, payload: string][] = []
  readonly connections: ScriptedConnection[] = []

  connect(): ScriptedConnection {
    const connection = new ScriptedConnection()
    const execute = connection.execute.bind(connection)
    connection.execute = async (wording, values, withinMs) => {
      const answer = await execute(wording, values, withinMs)
      if (wording.sql.includes('pg_notify')) {
        const notification: [string, string] = [String(values[0]), String(values[1])]
        this.notifications.push(notification)
        for (const other of this.connections) other.notify(...notification)
      }
      return answer
    }
    this.connections.push(connection)
    return connection
  }
}

function pinned() {
  const [clock, server] = [new FakeClock(), new Server()]
  const session = new PinnedSession({
    ...{ clock, connect: () => server.connect(), words: DIALECT.session as SessionDialect },
    executor: { execute: () => Promise.reject(new Error('not needed')) },
    ...{ meaningOf: DIALECT.meaningOf, lost() {}, freed() {}, isInUse: () => true },
  })
  return { clock, server, session }
}

test('a session that ends while it is being proven is not taken for one of a pooler, then or later', async () => {
  const { clock, server, session } = pinned()
  const first = session.send(QUESTION, []).catch((error) => error)
  const [proven] = server.connections as [ScriptedConnection]
  proven.isDeaf = true
  await clock.pass(100)
  proven.lose()
  // At once: the next one can be begun meanwhile.
  expect(isLockError(await first)).toBe(false)

  await session.send(QUESTION, [])
  const [, , second] = server.connections as [unknown, unknown, ScriptedConnection]
  await clock.pass(4_000)

  second.lose()
  await session.send(QUESTION, [])
  expect(proven.count('unlisten')).toBe(0)
})

test('the proof of one session that has ended does not end that of the next', async () => {
  const { clock, server, session } = pinned()
  const first = session.send(QUESTION, []).catch((error) => error)
  const [proven] = server.connections as [ScriptedConnection]
  proven.isDeaf = true
  await clock.pass(2_000)
  proven.lose()
  const next = session.send(QUESTION, [])
  const [, , late] = server.connections as [unknown, unknown, ScriptedConnection]
  late.isDeaf = true
  // The first one is given up after 3.1 s; the other's notification comes after that.
  await clock.pass(2_500)
  late.isDeaf = false
  late.notify(...(server.notifications.at(-1) as [string, string]))
  await clock.pass(4_000)
  await next
  expect(isLockError(await first)).toBe(false)
})

test('a session that hears nothing is one of a pooler, and is for a while', async () => {
  const { clock, server, session } = pinned()
  const refused = session.send(QUESTION, []).catch((error) => error)
  const [deaf] = server.connections as [ScriptedConnection]
  deaf.isDeaf = true
  await clock.pass(4_000)
  expect(isLockError(await refused, 'E_SESSION_POOLED')).toBe(true)
  await expect(session.send(QUESTION, [])).rejects.toMatchObject({ code: 'E_SESSION_POOLED' })
  await clock.pass(60_000)
  await session.send(QUESTION, [])
})

describe('what is notified comes with the next answer only', () => {
  /** On the first connection, which is proven. */
  function bringsWithAnswers({ server }: ReturnType<typeof pinned>, isStillDeaf: boolean): void {
    const [proven] = server.connections as [ScriptedConnection]
    const execute = proven.execute.bind(proven)
    proven.isDeaf = true
    proven.execute = async (wording, values, withinMs) => {
      if (wording.sql.includes('unlisten')) {
        proven.isDeaf = false
        proven.notify(...(server.notifications.at(-1) as [string, string]))
        proven.isDeaf = isStillDeaf
      }
      return execute(wording, values, withinMs)
    }
  }

  test('once: the network was silent, and the session is proven after all', async () => {
    const made = pinned()
    const sent = made.session.send(QUESTION, []).catch((error) => error)
    bringsWithAnswers(made, false)
    await made.clock.pass(4_000)
    expect(await sent).not.toBeInstanceOf(Error)
  })

  test('always: it is one of a pooler, which gave it the same session again', async () => {
    const made = pinned()
    const sent = made.session.send(QUESTION, []).catch((error) => error)
    bringsWithAnswers(made, true)
    await made.clock.pass(7_000)
    expect(isLockError(await sent, 'E_SESSION_POOLED')).toBe(true)
  })
})
