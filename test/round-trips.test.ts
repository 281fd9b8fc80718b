import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromMysql2 } from '../src/adapters/mysql2.ts'
import { fromPg } from '../src/adapters/pg.ts'
import { mysqlStore } from '../src/drivers/mysql2.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { type CallerTransaction, LockFactory, type LockStore } from '../src/index.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** What every call costs at the database, counted at the driver and by the server's own books. */

for (const { name, family, url } of BACKENDS) {
  describe(name, () => {
    let open: OpenBackend
    let locks: LockFactory
    let end: () => Promise<void>
    let session: () => Promise<Record<string, unknown>[]>
    let sent = 0
    const texts = new Set<string>()

    beforeAll(async () => {
      open = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      const tableName = open.address?.tableName as string
      const count = (text: string) => {
        texts.add(text)
        // A look for old rows follows some grants, the first at random: it is nobody's call.
        if (!text.includes('is_old')) sent++
      }
      let store: LockStore
      if (family === 'postgres') {
        const pool = new pg.Pool({ connectionString: url, max: 1 })
        const query = (asked: { text: string; values: unknown[] }) => {
          count(asked.text)
          return pool.query(asked)
        }
        store = pgStore({ pool: { query }, tableName })
        session = async () => (await pool.query('select name from pg_prepared_statements order by name')).rows
        end = () => pool.end()
      } else {
        const pool = mysql.createPool({ uri: url, connectionLimit: 1 })
        // biome-ignore lint/suspicious/noExplicitAny: as mysql2 has it
        const execute = (text: string, values: any[]) => {
          count(text)
          return pool.execute(text, values)
        }
        store = mysqlStore({ pool: { execute }, tableName })
        session = async () => (await pool.query("show session status like 'Com_stmt_prepare'"))[0] as never
        end = () => pool.end()
      }
      locks = new LockFactory(store)
    })
    afterAll(async () => {
      await end()
      await open.close()
    })

    const costOf = async (call: () => Promise<unknown>): Promise<number> => {
      sent = 0
      await call()
      return sent
    }

    test('one round trip for each call on a known key; two at most for a new key', async () => {
      const lock = locks.createLock('k', '30s')
      const rival = locks.createLock('k', '30s')
      expect(await costOf(() => lock.acquireImmediately())).toBe(family === 'postgres' ? 1 : 2)
      expect(await costOf(() => rival.acquireImmediately())).toBe(1)
      expect(await costOf(() => lock.extend())).toBe(1)
      expect(await costOf(() => lock.isLocked())).toBe(1)
      expect(await costOf(() => lock.release())).toBe(1)
      expect(await costOf(() => lock.acquireImmediately())).toBe(1)
      expect(await costOf(() => rival.forceRelease())).toBe(1)
      expect(await costOf(() => lock.run(() => 1))).toBe(2)
      expect(await costOf(() => lock.run(() => 1))).toBe(2)
    })

    test('a key that somebody else took since this process gave it back: one more on Postgres, and only once', async () => {
      const lock = locks.createLock('taken', '30s')
      await lock.run(() => 1)
      await using others = new LockFactory(open.store())
      const other = others.createLock('taken', '30s')
      await other.acquireImmediately()
      expect(await costOf(() => lock.acquireImmediately())).toBe(family === 'postgres' ? 2 : 1)
      expect(await costOf(() => lock.acquireImmediately())).toBe(1)
      await other.release()
      expect(await costOf(() => lock.acquireImmediately())).toBe(1)
    })

    test('in a transaction: one for a guard; for a lock until commit one on Postgres, two on MySQL', async () => {
      const transaction = await openCounting(family, url, () => sent++)
      const within = locks.within(transaction.counting)
      const held = locks.createLock('guarded')
      await held.acquire()
      await locks.createLock('known').run(() => 1)
      const isPostgres = family === 'postgres'
      expect(await costOf(() => held.guard(transaction.counting))).toBe(1)
      // A look that leaves no lock, and the statement that writes the token: a select of MySQL cannot do both.
      expect(await costOf(() => within.lockUntilCommit('known'))).toBe(isPostgres ? 1 : 2)
      expect(await costOf(() => within.lockUntilCommit('guarded', { timeout: 0 }))).toBe(1)
      expect(await costOf(() => within.createLock('guarded').acquireImmediately())).toBe(1)
      const restored = within.restoreLock(held.serialize())
      expect(await costOf(() => restored.extend())).toBe(isPostgres ? 1 : 2)
      expect(await costOf(() => restored.release())).toBe(1)
      await transaction.end()
    })

    test('the texts are the same for every key and call, and prepared once', async () => {
      // Every 250 grants one is followed by a look for old rows, whose text comes and goes.
      for (let round = 0; round < 250; round++) await locks.createLock('warm').run(() => 1)
      await expect.poll(() => [...texts].some((text) => text.includes('is_old'))).toBe(true)
      await locks.createLock('warm').isLocked()
      texts.clear()
      const before = await session()
      for (let round = 0; round < 20; round++) await locks.createLock(`k${round % 3}`, round + 1_000).run(() => 1)
      const used = [...texts].filter((text) => !text.includes('is_old'))
      // A try and a release; one more for a key that has no row yet: on Postgres, for one that this process has given back.
      expect(used).toHaveLength(3)
      expect(await session()).toEqual(before)
      if (family === 'postgres')
        expect(before.map((row) => row.name)).toContainEqual(expect.stringMatching(/^verrou-acquire-/))
    })
  })
}

/** A transaction on a connection of its own, whose statements are counted. */
async function openCounting(family: 'postgres' | 'mysql', url: string, count: () => void) {
  const opened = await (family === 'postgres' ? beginPostgres(url) : beginMysql(url))
  const { handle, execute } = opened.transaction
  const counting: CallerTransaction = {
    handle,
    execute(statement, values) {
      count()
      return execute(statement, values)
    },
  }
  return { counting, end: opened.end }
}

async function beginPostgres(url: string) {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  await client.query('begin')
  return {
    transaction: fromPg(client),
    async end() {
      await client.query('rollback')
      await client.end()
    },
  }
}

async function beginMysql(url: string) {
  const connection = await mysql.createConnection(url)
  await connection.beginTransaction()
  return {
    transaction: fromMysql2(connection),
    async end() {
      await connection.rollback()
      await connection.end()
    },
  }
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
