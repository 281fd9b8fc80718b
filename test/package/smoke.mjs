// Run against the installed package: memory, better-sqlite3, and Kysely with the migrations.
import assert from 'node:assert/strict'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { errors, isLockError, LockFactory, Verrou } from 'verrou-sql'
import { sqliteStore } from 'verrou-sql/drivers/better-sqlite3'
import { kyselyStore } from 'verrou-sql/drivers/kysely'
import { memoryStore } from 'verrou-sql/drivers/memory'
import { migrateToLatest, migrations } from 'verrou-sql/migrations'

const database = new Database(':memory:')
const db = new Kysely({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })

const verrou = new Verrou({
  default: 'memory',
  stores: {
    memory: { driver: memoryStore() },
    sqlite: { driver: sqliteStore({ database, autoCreateTable: true }) },
    kysely: { driver: kyselyStore({ connection: db }) },
  },
})

await assert.rejects(verrou.use('kysely').createLock('early').acquire(), errors.E_SCHEMA_MISSING)
await migrateToLatest(db)
await migrateToLatest(db)
assert.deepEqual(Object.keys(migrations), ['0001_verrou_locks', '0002_verrou_run_records', '0003_verrou_renewals'])

for (const name of /** @type {const} */ (['memory', 'sqlite', 'kysely'])) {
  const locks = verrou.use(name)
  const [ran, result] = await locks.createLock('invoice:42', '30s').run(async ({ fencingToken }) => {
    assert(fencingToken > 0)
    assert.equal(await locks.createLock('invoice:42').acquireImmediately(), false)
    return name
  })
  assert.deepEqual([ran, result], [true, name])

  const restored = locks.restoreLock(await acquired(locks))
  await restored.extend('1m')
  await restored.release()
  await assert.rejects(restored.release(), (error) => isLockError(error, 'E_LOCK_NOT_OWNED'))
}

/** @param {LockFactory} locks */
async function acquired(locks) {
  const lock = locks.createLock('handed:over', '30s')
  assert.equal(await lock.acquire(), true)
  return JSON.parse(JSON.stringify(lock.serialize()))
}

assert(verrou.use('memory') instanceof LockFactory)
await verrou.close()
await db.destroy()
database.close()
console.log('ok')
