import mysql from 'mysql2/promise'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { type Mysql2PoolLike, mysqlStore } from '../src/drivers/mysql2.ts'
import { type LeaseHold, type LeaseRequest, LockFactory, type LockStore } from '../src/index.ts'
import { mutated } from './mutation/mutated.ts'
import { requestFor, take } from './suite/taking.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { type OpenTransaction, openTransaction } from './support/open-transaction.ts'
import { mysqlBackend } from './support/sql-backend.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

/** Calls that come at the same moment: how few statements they are, and that each is answered as if it had been sent alone. */

const AT_ONCE_MS = 1_000

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'mysql')) {
  describe(name, () => {
    let open: OpenBackend
    let tableName: string
    const toEnd: (() => Promise<unknown>)[] = []
    beforeAll(async () => {
      open = await mysqlBackend(name, url).open()
      tableName = open.address?.tableName as string
    })
    afterEach(async () => {
      for (const end of toEnd.splice(0).reverse()) await end().catch(() => {})
    })
    afterAll(() => open.close())

    /** A store, and the texts that it sends. `before`: is called with each. */
    const storeOf = (options: { batch?: boolean; uri?: string; before?: (sql: string) => void } = {}) => {
      // Through a proxy on one connection, so that what was prepared stays so.
      const pool = mysql.createPool({ uri: options.uri ?? url, connectionLimit: options.uri ? 1 : 10 })
      toEnd.push(() => pool.end())
      const broken = mutated('mysql', tableName)
      const sent: string[] = []
      const execute: Mysql2PoolLike['execute'] = async (sql, values) => {
        // A look for old rows follows some grants, the first at random: it is nobody's call.
        if (!sql.includes('is_old')) sent.push(sql)
        options.before?.(sql)
        return pool.execute(broken(sql), values)
      }
      return { store: mysqlStore({ pool: { execute }, tableName, batch: options.batch }), sent }
    }
    const begin = async (): Promise<OpenTransaction> => {
      const transaction = await openTransaction({ family: 'mysql', url, tableName })
      toEnd.push(() => transaction.end('rollback'))
      return transaction
    }
    const timed = async <T>(call: Promise<T>): Promise<T> => {
      const startMs = performance.now()
      const answer = await call
      expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS)
      return answer
    }
    /** Keys that have a row each, and are free. */
    const knownKeys = async (prefix: string, count: number): Promise<string[]> => {
      const keys = Array.from({ length: count }, (_, n) => `${prefix}:${n}`)
      const store = open.store()
      await Promise.all(keys.map(async (key) => store.release(await take(store, requestFor(key)))))
      return keys
    }
    const takeAll = (store: LockStore, requests: readonly LeaseRequest[]): Promise<LeaseHold[]> =>
      Promise.all(requests.map((request) => take(store, request)))

    test('100 tries of known keys are one statement, and so are 100 releases', async () => {
      const requests = (await knownKeys('many', 100)).map((key) => requestFor(key))
      const { store, sent } = storeOf()
      const holds = await takeAll(store, requests)
      expect(sent).toHaveLength(1)
      const rows = new Map((await open.rows()).map((row) => [row.key, row]))
      for (const [n, { key, owner, token }] of holds.entries()) {
        expect(rows.get(key)).toMatchObject({ owner, token, heldBy: requests[n]?.heldBy })
      }
      expect(await Promise.all(holds.map((hold) => store.release(hold)))).toEqual(holds.map(() => true))
      expect(sent).toHaveLength(2)
      expect((await open.rows()).filter((row) => row.key.startsWith('many:') && row.owner !== null)).toEqual([])

      const again = await takeAll(
        store,
        requests.map(({ key }) => requestFor(key)),
      )
      for (const [n, { token }] of again.entries()) expect(token).toBeGreaterThan(holds[n]?.token as number)
    })

    test('with `batch: false` each is a statement of its own', async () => {
      const requests = (await knownKeys('off', 10)).map((key) => requestFor(key))
      const { store, sent } = storeOf({ batch: false })
      const holds = await takeAll(store, requests)
      await Promise.all(holds.map((hold) => store.release(hold)))
      expect(sent).toHaveLength(20)
    })

    test('a call alone is one statement, as ever', async () => {
      const [key = ''] = await knownKeys('single', 1)
      const { store, sent } = storeOf()
      await store.release(await take(store, requestFor(key)))
      expect(sent).toHaveLength(2)
    })

    test('the longest keys, names that need every byte, and leases that never end', async () => {
      // Two statements that are as long as they can be.
      const keys = Array.from({ length: 512 }, (_, n) => `${n}`.padStart(1_024, 'k'))
      const { store, sent } = storeOf()
      for (const heldBy of ['first', '🔒'.repeat(63)]) {
        const requests = keys.map((key, n) => requestFor(key, { heldBy, ttlUs: n % 2 ? null : 30_000_000 }))
        sent.length = 0
        const holds = await takeAll(store, requests)
        const rows = (await open.rows()).filter(({ key }) => key.length === 1_024)
        expect(rows.map((row) => row.heldBy)).toEqual(keys.map(() => heldBy))
        expect(rows.filter(({ expiresAt }) => expiresAt === 2n ** 63n - 1n)).toHaveLength(256)
        if (heldBy !== 'first') expect(sent).toHaveLength(2)
        expect(await Promise.all(holds.map((hold) => store.release(hold)))).not.toContain(false)
      }
    })

    test('each is answered by itself: free, new, held, expired, its own already, and ahead of the clock', async () => {
      const [free = '', held = '', forever = '', expired = '', own = '', ahead = ''] = await knownKeys('mixed', 6)
      const others = open.store()
      await take(others, requestFor(held, { ttlUs: 60_000_000 }))
      await take(others, requestFor(forever, { ttlUs: null }))
      const overtaken = await take(others, requestFor(expired, { ttlUs: 1 }))
      const ownRequest = requestFor(own, { ttlUs: 20_000_000 })
      const ownHold = await take(others, ownRequest)
      await others.extend(ownHold, 5_000_000)
      const farToken = (Date.now() + 86_400_000) * 1_000
      await open.setToken(ahead, farToken)

      const { store } = storeOf()
      const keys = [free, 'mixed:new', held, forever, expired, ahead]
      const asked = [...keys.map((key) => requestFor(key)), ownRequest]
      const [ofFree, ofNew, ofHeld, ofForever, ofExpired, ofAhead, ofOwn] = await timed(
        Promise.all(asked.map((one) => store.tryAcquire(one))),
      )
      const fresh = { granted: true, token: expect.any(Number), grantedAtUs: expect.any(Number) }
      expect([ofFree, ofNew, ofExpired]).toEqual([fresh, fresh, fresh])
      expect(ofHeld).toMatchObject({ granted: false, freeInUs: expect.any(Number) })
      expect(ofHeld).not.toHaveProperty('isUncertain')
      expect(Number(ofHeld && 'freeInUs' in ofHeld && ofHeld.freeInUs)).toBeGreaterThan(50_000_000)
      expect(ofForever).toEqual({ granted: false, freeInUs: null })
      expect(ofExpired && 'token' in ofExpired && ofExpired.token).toBeGreaterThan(overtaken.token)
      expect(ofAhead).toMatchObject({ granted: true, token: farToken + 1 })
      expect(ofOwn).toMatchObject({ granted: true, token: ownHold.token })
      expect(Number((await store.inspect(own))?.remainingUs)).toBeGreaterThan(15_000_000)
      expect((await store.inspect(held))?.owner).not.toBeNull()
      expect(await others.release(overtaken)).toBe(false)
    })

    test('its own hold that was extended is not made shorter by an earlier sending', async () => {
      const keys = await knownKeys('longer', 3)
      const requests = keys.map((key) => requestFor(key))
      const { store } = storeOf()
      const holds = await takeAll(store, requests)
      await Promise.all(holds.map((hold) => store.extend(hold, 90_000_000)))
      expect(await takeAll(store, requests)).toEqual(holds)
      for (const key of keys) expect(Number((await store.inspect(key))?.remainingUs)).toBeGreaterThan(80_000_000)
    })

    test('a row that an open transaction has locked, or is creating, is refused, and delays nobody', async () => {
      const [locked = '', ...free] = await knownKeys('locked', 5)
      const stranger = await begin()
      await stranger.send(`select * from ${tableName} where \`key\` = '${locked}' for update`)
      await stranger.send(
        `insert into ${tableName} (\`key\`, token, expires_at, acquired_at) values ('locked:new', 1, 1, 1)`,
      )
      const { store } = storeOf()
      const keys = [locked, 'locked:new', ...free]
      const outcomes = await timed(Promise.all(keys.map((key) => store.tryAcquire(requestFor(key)))))
      expect(outcomes.slice(0, 2)).toMatchObject([{ granted: false, isUncertain: true }, { granted: false }])
      expect(outcomes.slice(2).every(({ granted }) => granted)).toBe(true)
      await stranger.end('rollback')
      await takeAll(
        store,
        [locked, 'locked:new'].map((key) => requestFor(key)),
      )
    })

    test('a hold that a transaction guards is released when that has ended; the others at once', async () => {
      const keys = await knownKeys('guarded', 5)
      const { store } = storeOf()
      const holds = await takeAll(
        store,
        keys.map((key) => requestFor(key)),
      )
      const [guarded, ...others] = holds
      const guarding = await begin()
      await guarding.send(`select * from ${tableName} where \`key\` = '${guarded?.key}' for update`)
      let isReleased = false
      const waiting = store.release(guarded as LeaseHold).then((answer) => {
        isReleased = true
        return answer
      })
      const startMs = performance.now()
      expect(await Promise.all(others.map((hold) => store.release(hold)))).not.toContain(false)
      expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS)
      const later = await takeAll(
        store,
        others.map(({ key }) => requestFor(key)),
      )
      expect(later).toHaveLength(4)
      expect(isReleased).toBe(false)
      await guarding.end('rollback')
      expect(await waiting).toBe(true)
    })

    test('of several calls for one key at the same moment the first is granted', async () => {
      const keys = await knownKeys('twice', 5)
      const { store } = storeOf()
      const asked = keys.flatMap((key) => [requestFor(key), requestFor(key), requestFor(key)])
      const outcomes = await Promise.all(asked.map((one) => store.tryAcquire(one)))
      expect(outcomes.map(({ granted }) => granted)).toEqual(keys.flatMap(() => [true, false, false]))
    })

    test('a release names key, owner and token; of two for one hold one answers true', async () => {
      const keys = await knownKeys('release', 4)
      const { store } = storeOf()
      const [right, stale, foreign, twice] = (await takeAll(
        store,
        keys.map((key) => requestFor(key)),
      )) as [LeaseHold, LeaseHold, LeaseHold, LeaseHold]
      const asked = [right, { ...stale, token: stale.token - 1 }, { ...foreign, owner: 'somebody' }, twice, twice]
      const answers = await Promise.all(asked.map((hold) => store.release(hold)))
      expect(answers.slice(0, 3)).toEqual([true, false, false])
      expect(answers.slice(3).sort()).toEqual([false, true])
      const rows = (await open.rows()).filter((row) => row.key.startsWith('release:'))
      expect(rows.map(({ owner }) => owner)).toEqual([null, stale.owner, foreign.owner, null])
      expect(await Promise.all([stale, foreign].map((hold) => store.release(hold)))).toEqual([true, true])
    })

    test('one that the database refuses does not fail the others', async () => {
      const keys = await knownKeys('refused', 5)
      await open.send(`alter table ${tableName} add constraint ${tableName}_c check (held_by <> 'refused')`)
      toEnd.push(() => open.send(`alter table ${tableName} drop constraint ${tableName}_c`))
      const { store } = storeOf()
      const asked = keys.map((key, n) => requestFor(key, n === 2 ? { heldBy: 'refused' } : {}))
      const outcomes = await Promise.allSettled(asked.map((one) => store.tryAcquire(one)))
      expect(outcomes.map(({ status }) => status)).toEqual(keys.map((_, n) => (n === 2 ? 'rejected' : 'fulfilled')))
      expect(outcomes[2]).toMatchObject({ reason: { kind: 'failed' } })
      expect(outcomes.filter((one) => one.status === 'fulfilled' && one.value.granted)).toHaveLength(4)
    })

    test('an error names no secret of any of them', async () => {
      const keys = await knownKeys('secret', 3)
      await open.send(`alter table ${tableName} add constraint ${tableName}_c check (held_by <> 'refused')`)
      toEnd.push(() => open.send(`alter table ${tableName} drop constraint ${tableName}_c`))
      const seen: unknown[] = []
      const { store } = storeOf()
      const asked = keys.map((key) => ({ ...requestFor(key, { heldBy: 'refused' }), owner: `a-secret-owner-${key}` }))
      for (const outcome of await Promise.allSettled(asked.map((one) => store.tryAcquire(one)))) {
        if (outcome.status === 'rejected') seen.push(outcome.reason, outcome.reason.cause)
      }
      expect(seen).toHaveLength(6)
      const text = seen.map((error) => JSON.stringify(error, Object.getOwnPropertyNames(error))).join()
      for (const { owner } of asked) {
        expect(text).not.toContain(owner)
        expect(text.toLowerCase()).not.toContain(Buffer.from(owner).toString('hex'))
      }
    })

    describe('when the connection is lost in the middle', () => {
      let proxy: TcpProxy
      beforeAll(async () => {
        proxy = await TcpProxy.to(url)
        await proxy.up()
      })
      afterAll(() => proxy.down())

      /** Else the lost reply would be that of preparing it. */
      const prepareAll = async (store: LockStore) => {
        const [first = '', second = '', held = ''] = await knownKeys('prepared', 3)
        const holding = await take(open.store(), requestFor(held))
        const keys = [first, second, held]
        await Promise.all(keys.map((key) => store.tryAcquire(requestFor(key))))
        const rows = (await open.rows()).filter(({ key }) => key === first || key === second)
        const holds = rows.map(({ key, owner, token }) => ({ key, owner: owner as string, token }))
        expect(await Promise.all(holds.map((hold) => store.release(hold)))).toEqual([true, true])
        await open.store().release(holding)
      }
      const isBatch = (sql: string, word: RegExp) => sql.includes('json_table') && word.test(sql)

      test.each([
        ['of the tries', /^\s*insert/],
        ['of the look after them', /^\s*select/],
      ])('the reply %s: each finds its own hold, and gives it back', async (_, word) => {
        const keys = await knownKeys('lost', 20)
        const others = open.factory()
        const held = others.createLock('lost:0', 2_000)
        await held.acquire()
        let isArmed = false
        const { store } = storeOf({
          uri: proxy.through(url),
          before(sql) {
            if (!isArmed || !isBatch(sql, word)) return
            isArmed = false
            proxy.loseNextReply()
          },
        })
        await prepareAll(store)
        isArmed = true
        const asked = keys.map((key) => requestFor(key))
        const outcomes = await Promise.allSettled(asked.map((one) => store.tryAcquire(one)))
        expect(isArmed).toBe(false)
        for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { kind: 'unanswered' } })
        const taken = (await open.rows()).filter((row) => row.key.startsWith('lost:') && row.owner !== null)
        expect(taken).toHaveLength(20)
        const found = await takeAll(store, asked.slice(1))
        expect(found.map(({ token }) => token)).toEqual(
          found.map(({ key }) => taken.find((row) => row.key === key)?.token),
        )
        const abandoned = await Promise.all(asked.map(({ key, attempt }) => store.abandon(key, attempt)))
        expect(abandoned).toEqual(asked.map((_one, n) => n > 0))
        await held.release()
      })

      test('callers of locks notice nothing', async () => {
        const keys = await knownKeys('unheard', 20)
        let isArmed: RegExp | undefined
        const { store } = storeOf({
          uri: proxy.through(url),
          before(sql) {
            if (!isArmed || !isBatch(sql, isArmed)) return
            isArmed = undefined
            proxy.loseNextReply()
          },
        })
        const locks = keys.map((key) => new LockFactory(store).createLock(key))
        await prepareAll(store)
        isArmed = /^\s*insert/
        expect(await Promise.all(locks.map((lock) => lock.acquire()))).not.toContain(false)
        expect(isArmed).toBeUndefined()
        isArmed = /^\s*update/
        await Promise.all(locks.map((lock) => lock.release()))
        expect(isArmed).toBeUndefined()
        const left = (await open.rows()).filter((row) => row.key.startsWith('unheard:') && row.owner !== null)
        expect(left).toEqual([])
      })

      test('no connection for the look after them counts as unheard: something may have been taken', async () => {
        const keys = await knownKeys('closed', 3)
        await take(open.store(), requestFor('closed:0'))
        const { store } = storeOf({
          before(sql) {
            if (isBatch(sql, /^\s*select/)) throw Object.assign(new Error('closed'), { code: 'POOL_CLOSED' })
          },
        })
        const outcomes = await Promise.allSettled(keys.map((key) => store.tryAcquire(requestFor(key))))
        expect(outcomes.map(({ status }) => status)).toEqual(['rejected', 'rejected', 'rejected'])
        for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { kind: 'unanswered' } })
      })
    })
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
