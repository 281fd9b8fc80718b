import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { type PgPoolLike, pgStore } from '../src/drivers/pg.ts'
import type { LeaseHold, LockStore, TryOutcome } from '../src/index.ts'
import { mutated } from './mutation/mutated.ts'
import { requestFor, take } from './suite/taking.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { type OpenTransaction, openTransaction } from './support/open-transaction.ts'
import { pgBackend } from './support/sql-backend.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

/** Calls that leave in one statement are answered as if each had been sent by itself. */

const REFUSED = { granted: false, freeInUs: expect.any(Number) }
const GRANTED = { granted: true, token: expect.any(Number), grantedAtUs: expect.any(Number) }

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'postgres')) {
  describe(name, () => {
    let open: OpenBackend
    let tableName: string
    let pool: pg.Pool
    let store: LockStore
    let sent: string[] = []
    /** How many rows the answer to each had, and how many of them say that something was granted. */
    let rows: number[] = []
    let granted: number[] = []
    const transactions: OpenTransaction[] = []

    beforeAll(async () => {
      open = await pgBackend(name, url).open()
      tableName = open.address?.tableName as string
      pool = new pg.Pool({ connectionString: url, max: 10 })
      store = storeOn(pool)
    })
    beforeEach(() => {
      sent = []
      granted = []
    })
    afterEach(async () => {
      // A test that failed half-way must not leave its row locks to the others.
      for (const transaction of transactions.splice(0)) await transaction.end('rollback').catch(() => {})
    })
    afterAll(async () => {
      await pool.end()
      await open.close()
    })

    const storeOn = (through: pg.Pool) => {
      const broken = mutated('postgres', tableName)
      const query: PgPoolLike['query'] = async (asked) => {
        // A look for old rows follows some grants: it is nobody's call, and would come in between.
        if (asked.text.includes('is_old')) return Promise.resolve({ rows: [], rowCount: 0 })
        sent.push(asked.text)
        const answer = await through.query({ ...asked, text: broken(asked.text) })
        rows.push(answer.rows.length)
        granted.push(answer.rows.filter(({ is_granted }) => is_granted).length)
        return answer
      }
      return pgStore({ pool: { query }, tableName })
    }
    const begin = async () => {
      const transaction = await openTransaction({ family: 'postgres', url, tableName })
      transactions.push(transaction)
      return transaction
    }
    const keys = (prefix: string, count: number) => Array.from({ length: count }, (_, n) => `${prefix}-${n}`)
    const takeAll = (all: readonly string[]) => Promise.all(all.map((key) => take(store, requestFor(key))))
    const releaseAll = (holds: readonly LeaseHold[]) => Promise.all(holds.map((hold) => store.release(hold)))
    const timed = async <T>(call: Promise<T>): Promise<T> => {
      const startMs = performance.now()
      const answer = await call
      expect(performance.now() - startMs).toBeLessThan(1_000)
      return answer
    }
    const owners = async (prefix: string) => {
      const rows = await open.send(`select key, owner from ${tableName} where key like '${prefix}-%' order by key`)
      return Object.fromEntries(rows.map(({ key, owner }) => [key, owner]))
    }

    test('100 tries at the same moment are two statements for new keys, one for known ones, one for their releases', async () => {
      const first = await takeAll(keys('many', 100))
      expect(sent).toHaveLength(2)
      // No more new keys in one statement: each has an advisory lock until it is through.
      expect(granted).toEqual([64, 36])
      expect(new Set(first.map(({ key }) => key)).size).toBe(100)
      expect(await releaseAll(first)).toEqual(first.map(() => true))
      expect(sent).toHaveLength(3)
      const second = await takeAll(keys('many', 100))
      expect(sent).toHaveLength(4)
      for (const [n, { key, token }] of second.entries()) {
        expect(key).toBe(first[n]?.key)
        expect(token).toBeGreaterThan(first[n]?.token as number)
      }
      expect(await owners('many')).toEqual(Object.fromEntries(second.map(({ key, owner }) => [key, owner])))
      const ends = await open.send(
        `select distinct expires_at - acquired_at as ttl from ${tableName} where key like 'many-%'`,
      )
      expect(ends.map(({ ttl }) => Number(ttl))).toEqual([30_000_000])
    })

    test('100 keys that others hold have one answer each', async () => {
      await takeAll(keys('held', 100))
      ;[sent, rows] = [[], []]
      const outcomes = await Promise.all(keys('held', 100).map((key) => store.tryAcquire(requestFor(key))))
      expect(outcomes).toEqual(outcomes.map(() => REFUSED))
      expect(rows).toEqual([100])
    })

    test('each has its own answer: free, new, held, held for ever, over, its own, and locked by a transaction', async () => {
      const [free, held, forEver, over, own, locked] = keys('mixed', 6).map((key) => requestFor(key)) as never as [
        ...ReturnType<typeof requestFor>[],
      ] &
        ReturnType<typeof requestFor>[]
      if (!free || !held || !forEver || !over || !own || !locked) throw new Error('six')
      for (const one of [free, locked]) await store.release(await take(store, one))
      await take(store, held)
      await take(store, { ...forEver, ttlUs: null })
      const wasOver = await take(store, over)
      await open.send(`update ${tableName} set expires_at = 1 where key = '${over.key}'`)
      const { token } = await take(store, own)
      const stranger = await begin()
      await stranger.send(`select * from ${tableName} where key = '${locked.key}' for update`)
      const creating = await begin()
      await creating.locks.createLock('mixed-being-created').acquireImmediately()
      sent = []

      const asked = [
        ...[requestFor(free.key), requestFor('mixed-new'), requestFor(held.key), requestFor(forEver.key)],
        ...[requestFor(over.key), own, requestFor(locked.key), requestFor('mixed-being-created')],
      ]
      const outcomes = await timed(Promise.all(asked.map((request) => store.tryAcquire(request))))
      expect(sent).toHaveLength(1)
      const uncertain = { granted: false, freeInUs: null, isUncertain: true, hasWaited: false }
      expect(outcomes).toEqual([
        ...[GRANTED, GRANTED, REFUSED, { granted: false, freeInUs: null }],
        ...[GRANTED, { ...GRANTED, token }, uncertain, uncertain],
      ])
      expect((outcomes[4] as { token: number }).token).toBeGreaterThan(wasOver.token)
      const { freeInUs } = outcomes[2] as { freeInUs: number }
      expect(freeInUs).toBeGreaterThan(25_000_000)
      expect(freeInUs).toBeLessThanOrEqual(30_000_000)
    })

    test('tokens are times, and higher than the last one, also where that is ahead of the clock', async () => {
      const all = keys('tokens', 3)
      const before = await takeAll(all)
      await releaseAll(before)
      const aheadUs = (before[0]?.token ?? 0) + 3_600_000_000
      await open.setToken('tokens-1', aheadUs)
      const outcomes = await Promise.all(all.map((key) => store.tryAcquire(requestFor(key))))
      const [first, ahead, last] = outcomes as [TryOutcome, TryOutcome, TryOutcome]
      if (!first.granted || !ahead.granted || !last.granted) return expect.fail('refused')
      expect([first.token, ahead.token, last.token]).toEqual([first.grantedAtUs, aheadUs + 1, first.grantedAtUs])
    })

    test('the same try again, of a row that a transaction has locked, is answered as it is alone', async () => {
      const own = requestFor('repeated-locked')
      const { token } = await take(store, own)
      const stranger = await begin()
      await stranger.send(`select * from ${tableName} where key = '${own.key}' for update`)
      const alone = await timed(store.tryAcquire(own))
      sent = []
      const [together] = await timed(
        Promise.all([own, requestFor('repeated-beside')].map((one) => store.tryAcquire(one))),
      )
      expect(sent).toHaveLength(1)
      expect([alone, together]).toEqual([REFUSED, REFUSED])
      await stranger.end('rollback')
      transactions.length = 0
      const again = await Promise.all([own, requestFor('repeated-third')].map((one) => store.tryAcquire(one)))
      expect(again[0]).toEqual({ ...GRANTED, token })
    })

    test('the same try again never brings the end nearer', async () => {
      const all = keys('again', 2).map((key) => requestFor(key, { ttlUs: 600_000_000 }))
      const ask = (ttlUs: number) => Promise.all(all.map((request) => store.tryAcquire({ ...request, ttlUs })))
      await ask(600_000_000)
      await ask(1_000)
      for (const { key } of all) expect((await store.inspect(key))?.remainingUs).toBeGreaterThan(500_000_000)
    })

    test('of tries for one key at the same moment the first is granted, also among many others', async () => {
      const others = keys('busy', 40)
      const twins = [requestFor('busy-one'), requestFor('busy-one'), requestFor('busy-one')]
      const outcomes = await Promise.all([
        ...others.slice(0, 20).map((key) => store.tryAcquire(requestFor(key))),
        ...twins.map((request) => store.tryAcquire(request)),
        ...others.slice(20).map((key) => store.tryAcquire(requestFor(key))),
      ])
      expect(outcomes.slice(20, 23)).toEqual([GRANTED, REFUSED, REFUSED])
      expect(outcomes.filter(({ granted }) => granted)).toHaveLength(41)
      expect((await owners('busy'))['busy-one']).toBe(twins[0]?.owner)
    })

    test('one refusal is that of all who came before it was asked for', async () => {
      await take(store, requestFor('hot'))
      sent = []
      const outcomes = await Promise.all(Array.from({ length: 30 }, () => store.tryAcquire(requestFor('hot'))))
      expect(outcomes).toEqual(outcomes.map(() => REFUSED))
      expect(sent).toHaveLength(1)
    })

    test('a try whose answer was lost finds its hold, though another one of its key was asked for before it', async () => {
      const lost = requestFor('unheard')
      const { token } = await take(store, lost)
      const other = requestFor('unheard')
      const outcomes = await Promise.all(
        [other, { ...lost, isRepeated: true }, other].map((request) => store.tryAcquire(request)),
      )
      expect(outcomes).toEqual([REFUSED, { ...GRANTED, token }, REFUSED])
    })

    test('one bad call does not fail the others', async () => {
      // Known keys: the locks of new ones can outlive the error of their statement for a moment.
      await releaseAll(await takeAll(['part-1', 'part-bad', 'part-2']))
      await open.send(`alter table ${tableName} add constraint no_bad check (key <> 'part-bad' or owner is null)`)
      try {
        const answers = await Promise.allSettled(
          ['part-1', 'part-bad', 'part-2'].map((key) => store.tryAcquire(requestFor(key))),
        )
        expect(answers).toMatchObject([
          { value: GRANTED },
          { reason: { name: 'StoreTrouble', kind: 'failed' } },
          { value: GRANTED },
        ])
      } finally {
        await open.send(`alter table ${tableName} drop constraint no_bad`)
      }
    })

    test('releases: yes, and no for one that was taken over, released before, or never there', async () => {
      const [mine, over, twice, wrong] = await takeAll(keys('give', 4))
      if (!mine || !over || !twice || !wrong) throw new Error('four')
      await store.forceRelease(over.key)
      const heir = await take(store, requestFor(over.key))
      await store.release(twice)
      const holds = [mine, over, twice, { ...mine, key: 'give-unknown' }, { ...wrong, token: wrong.token + 1 }]
      sent = []
      expect(await releaseAll(holds)).toEqual([true, false, false, false, false])
      // One for many, which tells of those that it has released, and one for each of the others.
      expect(sent).toHaveLength(5)
      expect(await owners('give')).toEqual({
        ...{ [mine.key]: null, [over.key]: heir.owner, [twice.key]: null, [wrong.key]: wrong.owner },
      })
    })

    test('a release frees its own key only, also of holds with one owner and one token', async () => {
      const requests = keys('own', 3).map((key) => requestFor(key, { owner: 'one for all' }))
      const holds = await Promise.all(requests.map((request) => take(store, request)))
      expect(new Set(holds.map(({ token }) => token)).size).toBe(1)
      expect(await releaseAll(holds.slice(0, 2))).toEqual([true, true])
      expect(await owners('own')).toEqual({ 'own-0': null, 'own-1': null, 'own-2': 'one for all' })
    })

    test('a release whose row a guard has locked waits for it alone', async () => {
      const [guarded, ...others] = await takeAll(keys('guarded', 5))
      if (!guarded) throw new Error('five')
      const guard = await begin()
      await guard.send(`select * from ${tableName} where key = '${guarded.key}' for share`)
      let isReleased: boolean | undefined
      const waiting = store.release(guarded).then((answer) => {
        isReleased = answer
      })
      expect(await timed(releaseAll(others))).toEqual(others.map(() => true))
      expect(isReleased).toBeUndefined()
      await guard.end('commit')
      await waiting
      expect(isReleased).toBe(true)
    })

    test('whoever listens is told of each key that was wanted, and of no other', async () => {
      const listener = new pg.Client({ connectionString: url })
      await listener.connect()
      const heard: (string | undefined)[] = []
      listener.on('notification', ({ payload }) => heard.push(payload))
      await listener.query(`listen ${tableName}`)
      const holds = await takeAll(keys('told', 6))
      for (const n of [1, 4]) expect(await store.want(`told-${n}`)).toBe('marked')
      await releaseAll(holds)
      await listener.query('select 1')
      expect(heard.sort()).toEqual(['told-1', 'told-4'])
      await listener.end()
    })

    test('refused tries write nothing: no WAL, no row version, no transaction id', async () => {
      const all = keys('quiet', 30)
      await takeAll(all)
      const one = new pg.Pool({ connectionString: url, max: 1 })
      const quiet = storeOn(one)
      const look = `select ctid::text, xmin::text, xmax::text from ${tableName} where key like 'quiet-%' order by key`
      const before = await open.send(look)
      await one.query('begin')
      for (let round = 0; round < 20; round++) {
        const outcomes = await Promise.all(all.map((key) => quiet.tryAcquire(requestFor(key))))
        expect(outcomes).toEqual(all.map(() => REFUSED))
      }
      const { rows } = await one.query('select pg_current_xact_id_if_assigned() as id')
      await one.query('commit')
      expect(rows).toEqual([{ id: null }])
      expect(await open.send(look)).toEqual(before)
      await one.end()
    })

    test('where the answer is lost, everybody is told so, and the same try again finds its own hold', async () => {
      const proxy = await TcpProxy.to(url)
      await proxy.up()
      const cut = new pg.Pool({ connectionString: proxy.through(url), max: 1 })
      cut.on('error', () => {})
      const unlucky = storeOn(cut)
      const requests = keys('lost', 20).map((key) => requestFor(key))
      // A connection that knows the statement: what gets lost is the answer to it.
      const warm = await Promise.all(requests.map((request) => unlucky.tryAcquire(request)))
      expect(warm).toEqual(requests.map(() => GRANTED))
      const again = requests.map(({ key }) => requestFor(`${key}-again`))
      proxy.loseNextReply()
      const answers = await Promise.allSettled(again.map((request) => unlucky.tryAcquire(request)))
      expect(answers).toMatchObject(again.map(() => ({ reason: { kind: 'unanswered', mayHaveHappened: true } })))
      const rows = await open.send(`select key, token from ${tableName} where key like 'lost-%-again'`)
      const tokens = new Map(rows.map(({ key, token }) => [key, Number(token)]))
      expect(tokens.size).toBe(20)
      const outcomes: TryOutcome[] = await Promise.all(again.map((request) => unlucky.tryAcquire(request)))
      expect(outcomes).toEqual(again.map(({ key }) => ({ ...GRANTED, token: tokens.get(key) })))
      await cut.end()
      await proxy.down()
    })

    test('`batch: false` sends each by itself', async () => {
      const query: PgPoolLike['query'] = (asked) => {
        sent.push(asked.text)
        return pool.query(asked)
      }
      const single = pgStore({ pool: { query }, tableName, batch: false })
      await Promise.all(keys('single', 10).map((key) => single.tryAcquire(requestFor(key))))
      expect(sent.filter((text) => !text.includes('is_old'))).toHaveLength(10)
      expect(() => pgStore({ pool, tableName, batch: 'yes' as never })).toThrow(
        '`batch` must be true or false; got "yes"',
      )
    })
  })
}
