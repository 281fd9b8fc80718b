import { Kysely, MysqlDialect, PostgresDialect } from 'kysely'
import mysqlCallback from 'mysql2'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { LockFactory } from '../src/index.ts'
import { BACKENDS } from './support/backends.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** With the pool of its dialect, a store on Kysely sends prepared statements; without it, what Kysely can send. */

type Kind = 'named' | 'text' | 'by Kysely'

/** An app whose pool counts: what is sent with a name (on MySQL, prepared), as text, and by Kysely, which takes a connection out. */
function openApp(family: 'postgres' | 'mysql', url: string) {
  const sent: Kind[] = []
  if (family === 'postgres') {
    const pool = new pg.Pool({ connectionString: url })
    const query = pool.query.bind(pool)
    Object.assign(pool, {
      query: (asked: pg.QueryConfig) => {
        // A grant in a few hundred is followed by a look for old rows, which is planned anew each time.
        if (!asked.text.includes('is_old')) sent.push(asked.name === undefined ? 'text' : 'named')
        return query(asked)
      },
    })
    const log = () => void sent.push('by Kysely')
    const db = new Kysely<unknown>({ dialect: new PostgresDialect({ pool }), log })
    return { sent, pool, db }
  }
  const pool = mysqlCallback.createPool({ uri: url, supportBigNumbers: true, bigNumberStrings: true })
  const promises = pool.promise()
  const execute = promises.execute.bind(promises)
  Object.assign(promises, {
    execute: (...given: Parameters<typeof execute>) => {
      sent.push('named')
      return execute(...given)
    },
  })
  Object.assign(pool, { promise: () => promises })
  const log = () => void sent.push('by Kysely')
  return { sent, pool, db: new Kysely<unknown>({ dialect: new MysqlDialect({ pool }), log }) }
}

for (const { name, family, url } of BACKENDS) {
  describe(name, () => {
    test.each([
      { withPool: true, prepare: undefined, kinds: ['named'] },
      ...(family === 'postgres' ? [{ withPool: true, prepare: false, kinds: ['text'] }] : []),
      { withPool: false, prepare: undefined, kinds: ['by Kysely'] },
    ])('$withPool, prepare $prepare: $kinds', async ({ withPool, prepare, kinds }) => {
      const open = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      const { sent, pool, db } = openApp(family, url)
      const options = { connection: db, tableName: open.address?.tableName, ...(withPool ? { pool, prepare } : {}) }
      const locks = new LockFactory(kyselyStore(options))
      const lock = locks.createLock('k')
      // Which database it is has no name.
      await lock.isLocked()
      sent.splice(0)
      expect(await lock.acquire()).toBe(true)
      await lock.release()
      expect(await locks.createLock('k').run(async () => 1)).toEqual([true, 1])
      expect([...new Set(sent)]).toEqual(kinds)

      sent.splice(0)
      await db.transaction().execute(async (trx) => {
        expect(await locks.within(trx).lockUntilCommit('k')).not.toBeNull()
      })
      expect([...new Set(sent)], 'in a transaction').toEqual(['by Kysely'])
      await locks.close()
      await db.destroy()
      await open.close()
    })

    test('`prepare` without the pool of pg is refused', () => {
      const { pool, db } = openApp(family, url)
      const without = family === 'postgres' ? { connection: db } : { connection: db, pool }
      expect(() => kyselyStore({ ...without, prepare: true })).toThrow(
        '`pool` must be a Pool of pg where `prepare` is given',
      )
    })
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
