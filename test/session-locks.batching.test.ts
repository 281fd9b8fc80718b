import { afterEach, describe, expect, test } from 'vitest'
import type { Wording } from '../src/executors/executor.ts'
import type { HearingConnection } from '../src/executors/reopening-connection.ts'
import { LockFactory } from '../src/index.ts'
import { rejection } from './suite/rejection.ts'
import { BACKENDS } from './support/backends.ts'
import { changedSessions, hasSession, holderOf, openSessions } from './support/session-stores.ts'
import { uniqueTableName } from './support/table-name.ts'

const session = { strategy: 'session' } as const
const leftovers: (() => unknown)[] = []
afterEach(async () => {
  for (const put of leftovers.splice(0).reverse()) await put()
})

/** What was sent, by its name in `sql/`. */
const sent: string[] = []
/** What befalls a statement after the server has carried it out. */
let after: (name: string) => void = () => {}

function watched(real: HearingConnection): HearingConnection {
  return {
    get isOpen() {
      return real.isOpen
    },
    hear: (hearer) => real.hear(hearer),
    close: () => real.close(),
    async execute(wording: Wording, values, withinMs) {
      const answer = await real.execute(wording, values, withinMs)
      if (wording.name?.startsWith('session-')) sent.push(wording.name)
      after(wording.name ?? '')
      return answer
    },
  }
}

for (const { name, family, url } of BACKENDS) {
  const open = (tableName = uniqueTableName('session')) => {
    const app = openSessions(family, url, { tableName })
    leftovers.push(() => app.end())
    const locks = new LockFactory(changedSessions(app, family, tableName, { connection: watched }))
    leftovers.push(() => locks.close())
    sent.length = 0
    after = () => {}
    return locks
  }
  /** As a server says of a statement that somebody has cancelled. */
  const cancelled = () =>
    Object.assign(new Error('cancelled'), family === 'postgres' ? { code: '57014' } : { errno: 1317 })

  describe(name, () => {
    test('a call alone is one statement, sent at once', async () => {
      const locks = open()
      const lock = locks.createLock('k', session)
      await lock.acquire()
      await lock.release()
      expect(sent).toEqual(['session-acquire', 'session-release'])
    })

    test('calls that come at the same moment leave together', async () => {
      const locks = open()
      await locks.createLock('first', session).acquire()
      sent.length = 0
      const all = Array.from({ length: 50 }, (_, index) => locks.createLock(`k:${index}`, session))
      expect(await Promise.all(all.map((lock) => lock.acquireImmediately()))).not.toContain(false)
      await Promise.all(all.map((lock) => lock.release()))
      expect(sent).toEqual(['session-acquire-all', 'session-release-all'])
    })

    test('two calls for one key: one is granted', async () => {
      const locks = open()
      const twins = Array.from({ length: 10 }, () => locks.createLock('k', session))
      const granted = await Promise.all(twins.map((lock) => lock.acquireImmediately()))
      expect(granted.filter(Boolean)).toHaveLength(1)
    })

    test('a statement that failed after it had locked leaves nothing locked', async () => {
      const tableName = uniqueTableName('session')
      const locks = open(tableName)
      after = (statement) => {
        if (statement === 'session-acquire') throw cancelled()
      }
      await rejection(locks.createLock('k', session).acquireImmediately(), 'E_LOCK_STORAGE_ERROR')
      expect(await holderOf(family, url, tableName, 'k')).toBeUndefined()
      after = () => {}
      const lock = locks.createLock('k', session)
      expect(await lock.acquireImmediately()).toBe(true)
      await lock.release()
      // Locked once, not twice.
      expect(await holderOf(family, url, tableName, 'k')).toBeUndefined()
    })

    test('a batch that failed is taken apart: one bad call does not fail the others', async () => {
      const tableName = uniqueTableName('session')
      const locks = open(tableName)
      await locks.createLock('first', session).acquire()
      let isBroken = true
      after = (statement) => {
        if (statement === 'session-acquire-all') throw cancelled()
        // The first that is asked for alone after that is the bad one.
        if (statement === 'session-acquire' && sent.includes('session-acquire-all') && isBroken) {
          isBroken = false
          throw cancelled()
        }
      }
      const all = Array.from({ length: 5 }, (_, index) => locks.createLock(`k:${index}`, session))
      const outcomes = await Promise.allSettled(all.map((lock) => lock.acquireImmediately()))
      const failed = outcomes.filter(({ status }) => status === 'rejected')
      expect(failed).toEqual([
        { status: 'rejected', reason: expect.objectContaining({ code: 'E_LOCK_STORAGE_ERROR' }) },
      ])
      expect(outcomes.filter((one) => one.status === 'fulfilled' && one.value)).toHaveLength(4)
      after = () => {}
      for (const [index, lock] of all.entries()) {
        if (outcomes[index]?.status === 'fulfilled') await lock.release()
        expect(await holderOf(family, url, tableName, lock.key)).toBeUndefined()
      }
    })

    test('what cannot be undone goes with the session', async () => {
      const tableName = uniqueTableName('session')
      const locks = open(tableName)
      const held = await locks.createLock('held', session).hold()
      const id = (await holderOf(family, url, tableName, 'held')) as number
      after = (statement) => {
        if (/acquire|release/.test(statement)) throw cancelled()
      }
      await rejection(locks.createLock('k', session).acquireImmediately(), 'E_LOCK_STORAGE_ERROR')
      after = () => {}
      expect(held.signal.aborted).toBe(true)
      await expect.poll(() => hasSession(family, url, id)).toBe(false)
    })

    test('a release that failed after it had unlocked counts when it is repeated', async () => {
      const tableName = uniqueTableName('session')
      const locks = open(tableName)
      const lock = locks.createLock('k', session)
      await lock.acquire()
      after = (statement) => {
        if (statement === 'session-release') throw cancelled()
      }
      await rejection(lock.release(), 'E_LOCK_STORAGE_ERROR')
      after = () => {}
      await lock.release().catch(() => {})
      await expect.poll(() => locks.createLock('k', session).acquireImmediately()).toBe(true)
    })

    test('a hand-over within the process asks the server first', async () => {
      const locks = open()
      const first = await locks.createLock('k', session).hold()
      const next = locks.createLock('k', session).hold()
      await new Promise((resolve) => setTimeout(resolve, 30))
      sent.length = 0
      await first.release()
      await (await next).release()
      expect(sent).toEqual(['session-hand-over', 'session-release'])
    })
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
