import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { sqliteStore } from '../src/drivers/better-sqlite3.ts'
import { type Mysql2PoolLike, mysqlStore } from '../src/drivers/mysql2.ts'
import { type PgPoolLike, pgStore } from '../src/drivers/pg.ts'
import { type LeaseHold, LockFactory } from '../src/index.ts'
import { mutated } from './mutation/mutated.ts'
import { isSelected } from './servers/selection.ts'
import { rejection } from './suite/rejection.ts'
import { requestFor, take } from './suite/taking.ts'
import { BACKENDS, type Backend } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { type OpenTransaction, openTransaction } from './support/open-transaction.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** G8: a refused try costs nothing, and never waits for anybody's transaction. */

const AT_ONCE_MS = 1_000

for (const { name, family, url } of BACKENDS) {
  describe(name, () => {
    let open: OpenBackend
    let tableName: string
    beforeAll(async () => {
      open = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      tableName = open.address?.tableName as string
    })
    afterAll(() => open.close())

    const transactions: OpenTransaction[] = []
    afterEach(async () => {
      // A test that failed half-way must not leave its row locks to the others.
      for (const transaction of transactions.splice(0)) await transaction.end('rollback').catch(() => {})
    })
    const begin = async () => {
      const transaction = await openTransaction({ family, url, tableName })
      transactions.push(transaction)
      return transaction
    }
    const key = family === 'mysql' ? '`key`' : 'key'
    const timed = async <T>(call: Promise<T>): Promise<T> => {
      const startMs = performance.now()
      const answer = await call
      expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS)
      return answer
    }

    test('a free key whose row a transaction has locked is refused at once, and free after that', async () => {
      const lock = open.factory().createLock('row-locked')
      await lock.acquire()
      await lock.release()
      const stranger = await begin()
      await stranger.send(`select * from ${tableName} where ${key} = 'row-locked' for update`)
      expect(await timed(lock.acquireImmediately())).toBe(false)
      await stranger.end('rollback')
      expect(await lock.acquireImmediately()).toBe(true)
    })

    test('a new key that an open transaction is taking is refused at once; after its rollback it never existed', async () => {
      const taking = await begin()
      expect(await taking.locks.createLock('being-taken').acquireImmediately()).toBe(true)
      const lock = open.factory().createLock('being-taken')
      expect(await timed(lock.acquireImmediately())).toBe(false)
      expect(await timed(lock.isLocked())).toBe(false)
      await taking.end('rollback')
      expect(await lock.acquireImmediately()).toBe(true)
    })

    test('a known key that an open transaction has taken is refused at once, and held after its commit', async () => {
      const lock = open.factory().createLock('taken')
      await lock.acquire()
      await lock.release()
      const taking = await begin()
      expect(await taking.locks.createLock('taken').acquireImmediately()).toBe(true)
      expect(await timed(lock.acquireImmediately())).toBe(false)
      await taking.end('commit')
      expect(await lock.acquireImmediately()).toBe(false)
      expect(await lock.isLocked()).toBe(true)
    })

    test('a new key does not wait for an open transaction that inserts its neighbour', async () => {
      const inserting = await begin()
      const columns = `${key}, token, expires_at, acquired_at`
      await inserting.send(`insert into ${tableName} (${columns}) values ('near:5', 1, 1, 1)`)
      const others = ['near:4', 'near:6', 'near:5:1', 'near:'].map((one) => open.factory().createLock(one))
      for (const other of others) expect(await timed(other.acquireImmediately())).toBe(true)
      await inserting.end('rollback')
    })

    test('many new keys at once are all granted', async () => {
      const factory = open.factory()
      const granted = await Promise.all(
        Array.from({ length: 300 }, (_, index) =>
          factory.createLock(`new:${(index * 7919) % 300}`).acquireImmediately(),
        ),
      )
      expect(granted.filter((one) => !one)).toEqual([])
    })

    test('a mark never waits: a row that a transaction has locked is answered at once', async () => {
      const store = open.store()
      const hold = await take(store, requestFor('wanted'))
      const stranger = await begin()
      await stranger.send(`select * from ${tableName} where ${key} = 'wanted' for update`)
      expect(await timed(store.want('wanted'))).toBe('locked')
      await stranger.end('rollback')
      expect(await store.handOver(hold, requestFor('wanted'))).toMatchObject({ isWanted: false })
      expect(await store.want('wanted')).toBe('marked')
    })

    test('a mark of a key that an open transaction is taking, new or known, does not wait either', async () => {
      const store = open.store()
      await store.release(await take(store, requestFor('wanted:known')))
      for (const lockKey of ['wanted:new', 'wanted:known']) {
        const taking = await begin()
        expect(await taking.locks.createLock(lockKey).acquireImmediately()).toBe(true)
        expect(['free', 'locked']).toContain(await timed(store.want(lockKey)))
        await taking.end('rollback')
      }
    })

    test('a mark leaves nothing locked', async () => {
      const store = open.store()
      const hold = await take(store, requestFor('wanted:within', { ttlUs: null }))
      await store.want('wanted:within')
      expect(await timed(store.extend(hold, null))).not.toBeNull()
      expect(await timed(store.handOver(hold, requestFor('wanted:within')))).toMatchObject({ isWanted: true })
    })

    test('a hand-over never waits: while a transaction guards the hold, it is refused as locked, and changes nothing', async () => {
      const store = open.store()
      const hold = await take(store, requestFor('handed'))
      const guarding = await begin()
      await guarding.send(lockOf(family, tableName, key, 'handed'))
      await expect(timed(store.handOver(hold, requestFor('handed')))).rejects.toMatchObject({
        kind: 'transient',
        isRowLocked: true,
      })
      expect((await store.inspect('handed'))?.token).toBe(hold.token)
      // MySQL looks at the row before it knows whose it is.
      if (family === 'postgres') {
        const stale = { ...hold, token: hold.token + 1 }
        expect(await timed(store.handOver(stale, requestFor('handed')))).toEqual({ granted: false })
      }
      await guarding.end('rollback')
      expect(await store.handOver(hold, requestFor('handed'))).toMatchObject({ granted: true })
    })

    test('renewals never wait: a hold whose row is locked is told apart from those that are renewed, and lost', async () => {
      const store = open.store()
      const holds = await Promise.all([0, 1, 2, 3].map((n) => take(store, requestFor(`many:${n}`))))
      const [first, locked, lost, last] = holds as [LeaseHold, LeaseHold, LeaseHold, LeaseHold]
      await store.release(lost)
      const stranger = await begin()
      await stranger.send(`select * from ${tableName} where ${key} = 'many:1' for update`)
      const renewals = [first, locked, lost, last].map((hold) => ({ hold, ttlUs: 90_000_000 }))
      const answers = await timed(store.extendAll(renewals, 5_000))
      expect(answers.map(({ kind }) => kind)).toEqual(['renewed', 'held', 'lost', 'renewed'])
      const stale = { hold: { ...locked, token: locked.token + 1 }, ttlUs: 90_000_000 }
      const staleAnswers = await timed(store.extendAll([stale], 5_000))
      if (family === 'postgres') expect(staleAnswers).toEqual([{ kind: 'lost' }])
      const before = Number((await store.inspect('many:1'))?.remainingUs)
      expect(before).toBeLessThanOrEqual(30_000_000)
      await stranger.end('rollback')
      expect(await store.extendAll(renewals.slice(0, 2), 5_000)).toMatchObject([
        { kind: 'renewed' },
        { kind: 'renewed' },
      ])
    })

    test('renewals in a small table do not wait for the rows of others', async () => {
      const small = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      const smallTable = small.address?.tableName as string
      const store = small.store()
      const mine = await take(store, requestFor('b'))
      await take(store, requestFor('a'))
      await take(store, requestFor('c'))
      const stranger = await openTransaction({ family, url, tableName: smallTable })
      await stranger.send(`select * from ${smallTable} where ${key} in ('a', 'c') for update`)
      expect(await timed(store.extendAll([{ hold: mine, ttlUs: 1_000_000 }], 5_000))).toMatchObject([
        { kind: 'renewed' },
      ])
      expect(await timed(store.want('b'))).toBe('marked')
      expect(await timed(store.handOver({ ...mine }, requestFor('b')))).toMatchObject({ granted: true })
      await stranger.end('rollback')
      await small.close()
    })

    if (family === 'mysql') {
      test('marking a key that is marked already changes no row, as the server counts', async () => {
        const pool = mysql.createPool({ uri: url, connectionLimit: 1 })
        const broken = mutated('mysql', tableName)
        const changed: number[] = []
        const execute: Mysql2PoolLike['execute'] = async (sql, values) => {
          const [result, fields] = await pool.execute<mysql.ResultSetHeader>(broken(sql), values)
          // What only reads has none: a look for old rows may follow the grant.
          if (result.changedRows !== undefined) changed.push(result.changedRows)
          return [result, fields]
        }
        const store = mysqlStore({ pool: { execute }, tableName })
        await take(store, requestFor('wanted:counted', { ttlUs: null }))
        changed.length = 0
        for (let round = 0; round < 5; round++) expect(await store.want('wanted:counted')).toBe('marked')
        expect(changed).toEqual([1, 0, 0, 0, 0])
        await pool.end()
      })

      test("refused tries leave no row lock, so the holder's renewal never waits", async () => {
        const holder = open.factory().createLock('renewed')
        await holder.acquire()
        const rival = open.factory().createLock('renewed')
        for (let round = 0; round < 50; round++) {
          const [refused] = await Promise.all([rival.acquireImmediately(), timed(holder.extend())])
          expect(refused).toBe(false)
        }
        const probe = await begin()
        await timed(probe.send(`select * from ${tableName} where ${key} = 'renewed' for update nowait`))
      })
      return
    }

    test('in an open transaction a refused try gets no transaction id, leaves no lock, and the transaction goes on', async () => {
      const holder = open.factory().createLock('renewed')
      await holder.acquire()
      const refused = await begin()
      expect(await refused.locks.createLock('renewed').acquireImmediately()).toBe(false)
      expect(await refused.send('select pg_current_xact_id_if_assigned() as id')).toEqual({ id: null })
      expect(await refused.send('select 1 as one')).toEqual({ one: 1 })
      await timed(holder.extend())
      const probe = await begin()
      await timed(probe.send(`select * from ${tableName} where key = 'renewed' for update nowait`))
      await probe.end('rollback')
      await refused.end('commit')
    })

    test('a key that is marked already is not written again: no row version, no WAL, no transaction id', async () => {
      const pool = new pg.Pool({ connectionString: url, max: 1 })
      const broken = mutated('postgres', tableName)
      const query: PgPoolLike['query'] = (asked) => pool.query({ ...asked, text: broken(asked.text) })
      const store = pgStore({ pool: { query }, tableName })
      await take(store, requestFor('quiet', { ttlUs: null }))
      const blank = (await writes(open, tableName)).version
      expect(await store.want('quiet')).toBe('marked')
      const before = await writes(open, tableName)
      expect(before.version).not.toEqual(blank)
      await pool.query('begin')
      for (let round = 0; round < 50; round++) expect(await store.want('quiet')).toBe('marked')
      const { rows } = await pool.query('select pg_current_xact_id_if_assigned() as id')
      await pool.query('commit')
      expect(rows).toEqual([{ id: null }])
      expect(await writes(open, tableName)).toEqual(before)
      await pool.end()
    })

    test('a release or a mark does not leave its relaxed setting behind', async () => {
      const pool = new pg.Pool({ connectionString: url, max: 1 })
      const lock = new LockFactory(pgStore({ pool, tableName })).createLock('relaxed')
      const setting = async () => (await pool.query('show synchronous_commit')).rows[0]
      const before = await setting()
      await lock.acquire()
      expect(await open.store().want('relaxed')).toBe('marked')
      await lock.release()
      expect(await setting()).toEqual(before)
      await pool.end()
    })

    test('200 refused tries write nothing: no WAL, no row version, no lock', async () => {
      await open.store().forceRelease('quiet')
      const holder = open.factory().createLock('quiet', null)
      await holder.acquire()
      const pool = new pg.Pool({ connectionString: url, max: 1 })
      const rival = new LockFactory(pgStore({ pool, tableName })).createLock('quiet')
      expect(await rival.acquireImmediately()).toBe(false)
      const before = await writes(open, tableName)
      for (let round = 0; round < 200; round++) expect(await rival.acquireImmediately()).toBe(false)
      await pool.end()
      expect(await writes(open, tableName)).toEqual(before)
    })
  })
}

/** What a guard locks a row with. */
function lockOf(family: Backend['family'], tableName: string, key: string, lockKey: string): string {
  return `select * from ${tableName} where ${key} = '${lockKey}' for ${family === 'postgres' ? 'key share' : 'update'}`
}

/** The row's version with whoever locked it last, and the write-ahead log of our tries, if the server counts it. */
async function writes({ send }: OpenBackend, tableName: string) {
  const version = await send(`select ctid::text, xmin::text, xmax::text from ${tableName} where key = 'quiet'`)
  await send('create extension if not exists pg_stat_statements').catch(() => {})
  const wal = await send(
    `select sum(wal_bytes) as wal from pg_stat_statements where query like '%${tableName}%skip locked%' and query not like '%pg_stat%'`,
  ).catch(() => [])
  return { version, wal: wal[0]?.wal }
}

describe.runIf(isSelected('sqlite'))('sqlite', () => {
  let folder: string
  beforeAll(() => {
    folder = mkdtempSync(join(tmpdir(), 'verrou-refused-'))
  })
  afterAll(() => rmSync(folder, { recursive: true }))
  const openFile = () => {
    const database = new Database(join(folder, 'locks.db'))
    database.pragma('journal_mode = wal')
    return database
  }

  test('a refused try needs no write lock: it is answered while somebody else writes', async () => {
    const locks = new LockFactory(sqliteStore({ database: openFile(), autoCreateTable: true }))
    await locks.createLock('held').acquire()
    const writer = openFile()
    writer.exec('begin immediate')
    const startMs = performance.now()
    expect(await locks.createLock('held').acquireImmediately()).toBe(false)
    expect(performance.now() - startMs).toBeLessThan(200)
    writer.exec('rollback')
  })

  test('a mark waits for nobody: one that is there already is answered while somebody else writes, a new one is not made', async () => {
    const store = sqliteStore({ database: openFile(), autoCreateTable: true })
    const hold = await take(store, requestFor('wanted'))
    const writer = openFile()
    writer.exec('begin immediate')
    const startMs = performance.now()
    expect(await store.want('wanted')).toBe('locked')
    expect(await store.want('unknown')).toBe('free')
    writer.exec('rollback')
    expect(await store.want('wanted')).toBe('marked')
    writer.exec('begin immediate')
    expect(await store.want('wanted')).toBe('marked')
    writer.exec('rollback')
    expect(performance.now() - startMs).toBeLessThan(200)
    expect(await store.handOver(hold, requestFor('wanted'))).toMatchObject({ isWanted: true })
  })

  test.each(['owner = null', 'expires_at = acquired_at'])(
    'a key that changes between the look and the mark is not marked: %s',
    async (change) => {
      const other = openFile()
      const database = openFile()
      const prepare = database.prepare.bind(database)
      const broken = mutated('sqlite', 'verrou_locks')
      const changing = (text: string) => {
        if (text.includes('set wanted')) other.exec(`update verrou_locks set ${change} where key = 'changing'`)
        return prepare(broken(text))
      }
      const store = sqliteStore({ database: Object.assign(database, { prepare: changing }), autoCreateTable: true })
      await store.forceRelease('changing')
      await take(store, requestFor('changing'))
      expect(await store.want('changing')).toBe('free')
      expect(other.prepare("select wanted from verrou_locks where key = 'changing'").get()).toEqual({ wanted: 0 })
      other.exec("delete from verrou_locks where key = 'changing'")
    },
  )

  test('a try waits for a busy file without blocking the event loop, and is granted when it is free', async () => {
    const locks = new LockFactory(sqliteStore({ database: openFile(), autoCreateTable: true }))
    await locks.createLock('first').acquire()
    const writer = openFile()
    writer.exec('begin immediate')
    let longestMs = 0
    let lastMs = performance.now()
    const ticking = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs)
      lastMs = performance.now()
    }, 5)
    setTimeout(() => writer.exec('commit'), 700)
    const startMs = performance.now()
    expect(await locks.createLock('second').acquire()).toBe(true)
    clearInterval(ticking)
    expect(performance.now() - startMs).toBeGreaterThan(600)
    expect(longestMs).toBeLessThan(300)
  })

  test('a file that stays busy for longer than the timeout is an error, not a refusal', async () => {
    const locks = new LockFactory(sqliteStore({ database: openFile(), autoCreateTable: true }))
    await locks.createLock('third').acquire()
    const writer = openFile()
    writer.exec('begin immediate')
    await rejection(locks.createLock('fourth').acquire({ retry: { timeout: 150 } }), 'E_LOCK_STORAGE_ERROR')
    writer.exec('rollback')
  })

  test('creating the table waits for a busy file, too', async () => {
    const writer = new Database(join(folder, 'empty.db'))
    writer.pragma('journal_mode = wal')
    writer.exec('create table unrelated (n)')
    const locks = new LockFactory(
      sqliteStore({ database: new Database(join(folder, 'empty.db')), autoCreateTable: true }),
    )
    writer.exec('begin immediate')
    setTimeout(() => writer.exec('commit'), 200)
    expect(await locks.createLock('k').acquireImmediately()).toBe(true)
  })

  test("the caller's busy timeout is as it was", async () => {
    const database = openFile()
    database.pragma('busy_timeout = 1234')
    const locks = new LockFactory(sqliteStore({ database, autoCreateTable: true }))
    await locks.createLock('fifth').acquire()
    expect(database.pragma('busy_timeout', { simple: true })).toBe(1234)
  })

  test("inside the caller's transaction nothing is sent: E_SINGLE_CONNECTION", async () => {
    const database = openFile()
    const lock = new LockFactory(sqliteStore({ database, autoCreateTable: true })).createLock('sixth')
    database.exec('begin')
    await rejection(lock.acquire(), 'E_SINGLE_CONNECTION')
    database.exec('commit')
    expect(await lock.acquire()).toBe(true)
  })
})

describe('G7: a server that only reads is an error, not a refusal', () => {
  for (const { name, family, url } of BACKENDS) {
    test(name, async () => {
      const open = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      const tableName = open.address?.tableName as string
      if (family === 'postgres') {
        const pool = new pg.Pool({ connectionString: url, options: '-c default_transaction_read_only=on' })
        await rejection(new LockFactory(pgStore({ pool, tableName })).createLock('k').acquire(), 'E_LOCK_STORAGE_ERROR')
        await pool.end()
      } else {
        const pool = mysql.createPool(url)
        pool.pool.on('connection', (connection) => connection.query('set session transaction read only'))
        await rejection(
          new LockFactory(mysqlStore({ pool, tableName })).createLock('k').acquire(),
          'E_LOCK_STORAGE_ERROR',
        )
        await pool.end()
      }
      await open.close()
    })
  }

  test.runIf(isSelected('sqlite'))('sqlite', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'verrou-readonly-'))
    const path = join(folder, 'locks.db')
    await new LockFactory(sqliteStore({ database: new Database(path), autoCreateTable: true }))
      .createLock('k')
      .acquire()
    const reader = new LockFactory(sqliteStore({ database: new Database(path, { readonly: true }) }))
    await rejection(reader.createLock('other').acquire(), 'E_LOCK_STORAGE_ERROR')
    expect(await reader.createLock('k').acquireImmediately()).toBe(false)
    rmSync(folder, { recursive: true })
  })
})
