import { afterEach, describe, expect, test, vi } from 'vitest'
import { LockFactory, type LockUntilCommit } from '../src/index.ts'
import { suiteContext } from './suite/suite-context.ts'
import { telling } from './suite/telling.ts'
import { transactionContext } from './suite/transactions/transaction-context.ts'
import { BACKENDS } from './support/backends.ts'
import { directBackends } from './support/contract-backends.ts'
import { RecordedEvents } from './support/record-events.ts'
import { endSession, holderOf, openSessions } from './support/session-stores.ts'
import { uniqueTableName } from './support/table-name.ts'
import { kyselyTransactionBackends } from './support/transactions/kysely.ts'

for (const backend of directBackends()) describe(backend.name, () => telling(suiteContext(backend)))

for (const backend of kyselyTransactionBackends()) {
  describe(`${backend.name}, in a transaction`, () => {
    const context = transactionContext(backend)

    test('every event says that the commit is still open', async () => {
      const told = new RecordedEvents(context.locks)
      const [lease, locked] = [context.key(), context.key()]
      const transaction = await context.begin()
      const lock = transaction.locks.createLock(lease, '30s')
      await lock.acquire()
      await lock.extend()
      await lock.release()
      const untilCommit = await transaction.locks.lockUntilCommit(locked)
      await transaction.rollback()
      told.end()
      expect(told.namesOf(lease)).toEqual(['acquired', 'extended', 'released'])
      expect(told.namesOf(locked)).toEqual(['acquired'])
      expect(told.all.every(({ event }) => 'isUncommitted' in event && event.isUncommitted)).toBe(true)
      expect(told.of('acquired', locked)).toMatchObject([
        { kind: 'until-commit', ttlMs: null, token: (untilCommit as LockUntilCommit).fencingToken },
      ])
    })

    test('a refusal, and an error of the transaction, are told', async () => {
      const key = context.key()
      await context.locks.createLock(key, '30s').acquire()
      const told = new RecordedEvents(context.locks)
      const transaction = await context.begin()
      expect(await transaction.locks.lockUntilCommit(key, { timeout: 0 })).toBe(false)
      await transaction.rollback()
      await transaction.locks
        .createLock(key)
        .acquireImmediately()
        .catch(() => {})
      told.end()
      expect(told.namesOf(key)).toEqual(['refused', 'failed'])
      expect(told.of('failed')).toMatchObject([
        { action: 'acquire', key, kind: 'lease', isUncommitted: true, holds: 0, code: expect.stringMatching(/^E_/) },
      ])
    })
  })
}

describe('session locks', () => {
  const leftovers: (() => unknown)[] = []
  afterEach(async () => {
    for (const put of leftovers.splice(0).reverse()) await put()
  })

  test.each(BACKENDS)(
    'on $name: acquired, released, and lost with the session; without a token',
    async ({ family, url }) => {
      const tableName = uniqueTableName('session')
      const app = openSessions(family, url, { tableName })
      const locks = new LockFactory(app.store)
      leftovers.push(
        () => app.end(),
        () => locks.close(),
      )
      const told = new RecordedEvents(locks)
      const lock = locks.createLock('k', { strategy: 'session' })
      await lock.run(() => {})
      expect(told.all.map(({ name }) => name)).toEqual(['acquired', 'released'])
      expect(told.of('acquired')).toMatchObject([{ kind: 'session', token: null, ttlMs: null, isUncommitted: false }])

      const held = await lock.hold()
      await endSession(family, url, Number(await holderOf(family, url, tableName, 'k')))
      await vi.waitFor(
        () => expect(told.of('lost')).toMatchObject([{ kind: 'session', reason: 'session-ended' }]),
        5_000,
      )
      await held.release().catch(() => {})
    },
  )

  test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
})
