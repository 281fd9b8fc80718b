import { createHash } from 'node:crypto'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { CamelCasePlugin, Kysely, SqliteDialect, sql } from 'kysely'
import { Migrator } from 'kysely/migration'
import { Kysely as Kysely028, Migrator as Migrator028, SqliteDialect as SqliteDialect028 } from 'kysely-028'
import { afterAll, describe, expect, test } from 'vitest'
import { kyselyStore } from '../src/drivers/kysely.ts'
import { LockFactory, type LockStore } from '../src/index.ts'
import { schemaStatements } from '../src/schema/create-migrations.ts'
import { createMigrations, migrateToLatest, migrations } from '../src/schema/migrations.ts'
import { isSelected } from './servers/selection.ts'
import { rejection } from './suite/rejection.ts'
import { requestFor, take } from './suite/taking.ts'
import { BACKENDS } from './support/backends.ts'
import { runChild } from './support/child.ts'
import type { TableAddress } from './support/contract-backend.ts'
import { openAddress } from './support/open-address.ts'
import type { Opened } from './support/opened.ts'
import { uniqueTableName } from './support/table-name.ts'

const folder = mkdtempSync(join(tmpdir(), 'verrou-migrations-'))
afterAll(() => rmSync(folder, { recursive: true }))

const PLACES: { name: string; family: TableAddress['family']; url: string }[] = [
  ...(isSelected('sqlite') ? [{ name: 'sqlite', family: 'sqlite' as const, url: join(folder, 'locks.db') }] : []),
  ...BACKENDS,
]

for (const { name, family, url } of PLACES) {
  describe(name, () => {
    const withTable = async (work: (opened: Opened, tableName: string) => Promise<void>) => {
      const tableName = uniqueTableName('migrations')
      const opened = await openAddress({ family, url, tableName })
      try {
        await work(opened, tableName)
      } finally {
        for (const table of [
          tableName,
          `${tableName}_migrations`,
          `${tableName}_migrations_lock`,
          `${tableName}_app`,
          `${tableName}_app_lock`,
        ]) {
          await opened.db.schema.dropTable(table).ifExists().execute()
        }
        await opened.close()
      }
    }
    const works = async (opened: Opened, tableName: string) => {
      const lock = new LockFactory(opened.store(tableName)).createLock('k')
      expect(await lock.acquireImmediately()).toBe(true)
      await lock.release()
    }

    const onlyFirst = async (opened: Opened, tableName: string) => {
      await createMigrations({ tableName })['0001_verrou_locks']?.up(opened.db)
    }
    const finish = async (store: LockStore) => {
      const hold = await take(store, requestFor('k'))
      expect(await store.finishRun(hold, { periodUs: null, hasFailed: true })).toBe(true)
      expect(await store.lastRun('k')).toMatchObject({ token: hold.token, hasFailed: true })
      return hold
    }

    test('migrateToLatest makes the table from nothing, and again does nothing', () =>
      withTable(async (opened, tableName) => {
        await rejection(new LockFactory(opened.store(tableName)).createLock('k').acquire(), 'E_SCHEMA_MISSING')
        await migrateToLatest(opened.db, { tableName })
        await works(opened, tableName)
        await migrateToLatest(opened.db, { tableName })
        await works(opened, tableName)
      }))

    test('a table name of the longest kind works, bookkeeping included', async () => {
      const tableName = uniqueTableName('x'.repeat(63)).slice(0, 55) + uniqueTableName('').slice(-8)
      expect(tableName).toHaveLength(63)
      const opened = await openAddress({ family, url, tableName })
      await migrateToLatest(opened.db, { tableName })
      await migrateToLatest(opened.db, { tableName })
      await works(opened, tableName)
      const hash = createHash('sha256').update(tableName).digest('hex').slice(0, 16)
      for (const table of [tableName, `verrou_${hash}_migrations`, `verrou_${hash}_migrations_lock`]) {
        await opened.db.schema.dropTable(table).execute()
      }
      await opened.close()
    })

    test("the migrations merge into an app's own Migrator, up and down", () =>
      withTable(async (opened, tableName) => {
        const migrator = new Migrator({
          db: opened.db,
          provider: { getMigrations: async () => createMigrations({ tableName, prefix: '2026-11-24_' }) },
          migrationTableName: `${tableName}_app`,
          migrationLockTableName: `${tableName}_app_lock`,
        })
        const up = await migrator.migrateToLatest()
        expect(up.error).toBeUndefined()
        expect(up.results?.map((result) => result.migrationName)).toEqual([
          '2026-11-24_0001_verrou_locks',
          '2026-11-24_0002_verrou_run_records',
          '2026-11-24_0003_verrou_renewals',
        ])
        await works(opened, tableName)
        expect((await migrator.migrateDown()).error).toBeUndefined()
        await works(opened, tableName)
        expect(await opened.store(tableName).lastRun('k')).toBeNull()
        expect((await migrator.migrateDown()).error).toBeUndefined()
        await works(opened, tableName)
        await rejection(opened.store(tableName).lastRun('k'), 'E_SCHEMA_OUTDATED')
        expect((await migrator.migrateDown()).error).toBeUndefined()
        await rejection(new LockFactory(opened.store(tableName)).createLock('k').acquire(), 'E_SCHEMA_MISSING')
      }))

    test('twenty processes that migrate at once all succeed', { timeout: 120_000 }, () =>
      withTable(async (opened, tableName) => {
        const address = JSON.stringify({ family, url, tableName })
        const ended = await Promise.all(Array.from({ length: 20 }, () => runChild('migrating-worker.ts', [address])))
        expect(ended.map(({ code, output }) => `${code} ${output}`.trim())).toEqual(Array(20).fill('0'))
        await works(opened, tableName)
        await finish(opened.store(tableName))
      }),
    )

    test('twenty stores that create the table at once all succeed', () =>
      withTable(async (opened, tableName) => {
        const stores = Array.from({ length: 20 }, () =>
          kyselyStore({ connection: opened.db, tableName, autoCreateTable: true }),
        )
        const granted = await Promise.all(
          stores.map((store) => new LockFactory(store).createLock('k').acquireImmediately()),
        )
        expect(granted.filter(Boolean)).toHaveLength(1)
      }))

    test('a missing table is E_SCHEMA_MISSING, which names the command, and is no refusal', () =>
      withTable(async (opened, tableName) => {
        const lock = new LockFactory(opened.store(tableName)).createLock('k')
        for (const call of [() => lock.acquireImmediately(), () => lock.run(() => 1), () => lock.isLocked()]) {
          const error = await rejection(call(), 'E_SCHEMA_MISSING')
          expect(error.message).toContain('npx kysely migrate:latest')
          expect(error.message).toContain(tableName)
          expect(error.retryable).toBe(false)
        }
      }))

    test('a table that is not ours, or an older one, is E_SCHEMA_OUTDATED', () =>
      withTable(async (opened, tableName) => {
        await opened.db.schema
          .createTable(tableName)
          .addColumn('key', family === 'mysql' ? 'varchar(99)' : 'text', (column) => column.primaryKey())
          .execute()
        await rejection(new LockFactory(opened.store(tableName)).createLock('k').acquire(), 'E_SCHEMA_OUTDATED')
      }))

    test('without run records all of leases works; only what needs them is E_SCHEMA_OUTDATED', () =>
      withTable(async (opened, tableName) => {
        await onlyFirst(opened, tableName)
        await works(opened, tableName)
        const store = opened.store(tableName)
        const hold = await take(store, requestFor('k'))
        expect(await store.want('k')).toBe('marked')
        expect(await store.extend(hold, 60_000_000)).not.toBeNull()
        expect(await store.extendAll([{ hold, ttlUs: 60_000_000 }], 5_000)).toMatchObject([{ kind: 'renewed' }])
        expect(await opened.store(tableName).extendAll([{ hold, ttlUs: 60_000_000 }], 5_000)).toMatchObject([
          { kind: 'renewed' },
        ])
        expect(await store.extend({ ...hold, token: 7 }, 60_000_000)).toBeNull()
        const factory = new LockFactory(store)
        expect(await factory.inspect('k')).toMatchObject({ isHeld: true, renewals: 0 })
        expect(await factory.list({ state: 'all' })).toMatchObject({ locks: [{ key: 'k', renewals: 0 }] })
        expect(await factory.prune()).toEqual({ removed: 0 })
        const heir = requestFor('k')
        const handed = await store.handOver(hold, heir)
        const next = { ...heir, token: handed.granted ? handed.token : 0 }
        for (const periodUs of [null, 1])
          await rejection(store.finishRun(next, { periodUs, hasFailed: false }), 'E_SCHEMA_OUTDATED')
        const error = await rejection(store.lastRun('k'), 'E_SCHEMA_OUTDATED')
        expect(error.message).toContain('npx kysely migrate:latest')
        expect(await store.inspect('k')).toMatchObject({ owner: heir.owner, token: next.token })
        expect(await store.abandon('k', heir.attempt)).toBe(true)
        expect(await store.forceRelease('k')).toBe(false)
      }))

    test('a table without a count of renewals gets one at any time, and loses it again: extensions do not mind', () =>
      withTable(async (opened, tableName) => {
        await onlyFirst(opened, tableName)
        const renewals0003 = createMigrations({ tableName })['0003_verrou_renewals']
        const old = opened.store(tableName)
        const hold = await take(old, requestFor('k'))
        const extend = async (store: LockStore) => {
          expect(await store.extend(hold, 60_000_000)).not.toBeNull()
          expect(await store.extendAll([{ hold, ttlUs: 60_000_000 }], 5_000)).toMatchObject([{ kind: 'renewed' }])
        }
        const renewals = async () => (await old.inspect('k'))?.renewals
        await extend(old)
        expect(await renewals()).toBeNull()
        await renewals0003?.up(opened.db)
        await renewals0003?.up(opened.db)
        expect(await renewals()).toBe(0)
        const store = opened.store(tableName)
        await extend(store)
        expect(await renewals()).toBe(2)
        await extend(old)
        expect(await renewals()).toBe(2)
        await renewals0003?.down(opened.db)
        await renewals0003?.down(opened.db)
        await extend(store)
        expect(await renewals()).toBeNull()
      }))

    test('in a transaction, extensions do not mind either', () =>
      withTable(async (opened, tableName) => {
        await onlyFirst(opened, tableName)
        const renewals0003 = createMigrations({ tableName })['0003_verrou_renewals']
        const hold = await take(opened.store(tableName), requestFor('k'))
        const extendWithin = (store: LockStore) =>
          opened.db.transaction().execute(async (trx) => {
            for (let extensions = 0; extensions < 2; extensions++)
              expect(await store.within?.(trx).extend(hold, 60_000_000)).not.toBeNull()
          })
        const before = kyselyStore({ connection: opened.db, tableName })
        await extendWithin(before)
        await renewals0003?.up(opened.db)
        await extendWithin(before)
        expect(await before.inspect('k')).toMatchObject({ renewals: 0 })
        await extendWithin(kyselyStore({ connection: opened.db, tableName }))
        expect(await before.inspect('k')).toMatchObject({ renewals: 2 })
      }))

    test('without run records old rows are still swept', () =>
      withTable(async (opened, tableName) => {
        await onlyFirst(opened, tableName)
        const column = family === 'mysql' ? '`key`' : 'key'
        await sql
          .raw(`insert into ${tableName} (${column}, token, expires_at, acquired_at) values ('a-old', 5, 5, 5)`)
          .execute(opened.db)
        const factory = new LockFactory(opened.store(tableName))
        for (let grants = 0; grants < 260; grants++) await factory.createLock('k').run(() => 1)
        await factory.close()
        expect(await opened.store(tableName).inspect('a-old')).toBeNull()
      }))

    test('the run records can be added twice, taken back twice, and leave the rest of the table as it is', () =>
      withTable(async (opened, tableName) => {
        const all = createMigrations({ tableName })
        await onlyFirst(opened, tableName)
        const store = opened.store(tableName)
        const before = await take(store, requestFor('k'))
        await all['0002_verrou_run_records']?.up(opened.db)
        await all['0002_verrou_run_records']?.up(opened.db)
        expect(await store.lastRun('k')).toBeNull()
        expect(await store.release(before)).toBe(true)
        const run = await finish(store)
        expect(run.token).toBeGreaterThan(before.token)
        await all['0002_verrou_run_records']?.down(opened.db)
        await all['0002_verrou_run_records']?.down(opened.db)
        await rejection(store.lastRun('k'), 'E_SCHEMA_OUTDATED')
        expect((await store.inspect('k'))?.token).toBe(run.token + 1)
        await works(opened, tableName)
        await all['0002_verrou_run_records']?.up(opened.db)
        await finish(store)
      }))

    test('autoCreateTable adds the run records to a table of the version before', () =>
      withTable(async (opened, tableName) => {
        await onlyFirst(opened, tableName)
        const stores = Array.from({ length: 10 }, () =>
          kyselyStore({ connection: opened.db, tableName, autoCreateTable: true }),
        )
        expect(await Promise.all(stores.map((store) => store.lastRun('k')))).toEqual(Array(10).fill(null))
        await finish(stores[0] as LockStore)
      }))

    test('autoCreateTable adds the count of renewals, beside the extension that finds it missing', () =>
      withTable(async (opened, tableName) => {
        await onlyFirst(opened, tableName)
        const store = kyselyStore({ connection: opened.db, tableName, autoCreateTable: true })
        const hold = await take(store, requestFor('k'))
        expect(await store.extend(hold, 60_000_000)).not.toBeNull()
        await expect
          .poll(async () => {
            expect(await store.extend(hold, 60_000_000)).not.toBeNull()
            return (await store.inspect('k'))?.renewals
          })
          .toBeGreaterThan(0)
      }))

    test('schema.sql by hand: on nothing, on a table of the version before, and a second time', () =>
      withTable(async (opened, tableName) => {
        // As its first line says: the databases without words for it call what is there already an error, and go on.
        const isSilent = family === 'postgres' || name === 'mariadb'
        const apply = async () => {
          const refused: string[] = []
          for (const text of schemaStatements(family, { tableName })) {
            await sql
              .raw(text)
              .execute(opened.db)
              .catch((error: unknown) => refused.push(String(error)))
          }
          return refused
        }
        expect(await apply()).toEqual([])
        await finish(opened.store(tableName))
        const again = await apply()
        for (const refused of again) expect(refused).toMatch(/duplicate column name/i)
        expect(again.length > 0).toBe(!isSilent)
        expect(await opened.store(tableName).lastRun('k')).not.toBeNull()
        for (const added of ['0003_verrou_renewals', '0002_verrou_run_records']) {
          await createMigrations({ tableName })[added]?.down(opened.db)
          await apply()
          const hold = await finish(opened.store(tableName))
          expect(await opened.store(tableName).inspect(hold.key)).toMatchObject({ renewals: 0 })
        }
      }))

    test('plugins of the Kysely instance touch neither the migrations nor the statements', () =>
      withTable(async (opened, tableName) => {
        const db = opened.db.withPlugin(new CamelCasePlugin())
        await migrateToLatest(db, { tableName })
        const lock = new LockFactory(kyselyStore({ connection: db, tableName })).createLock('k', '1m')
        expect(await lock.acquireImmediately()).toBe(true)
        await lock.extend()
        expect(await lock.isLocked()).toBe(true)
        await lock.release()
      }))

    if (family !== 'postgres') return
    test('a schema of its own', () =>
      withTable(async (opened, tableName) => {
        const schema = `${tableName}_schema`
        await opened.db.schema.createSchema(schema).execute()
        await migrateToLatest(opened.db, { schema })
        const lock = new LockFactory(kyselyStore({ connection: opened.db, schema })).createLock('k')
        expect(await lock.acquireImmediately()).toBe(true)
        await rejection(
          new LockFactory(kyselyStore({ connection: opened.db, schema: `${schema}2` })).createLock('k').acquire(),
          'E_SCHEMA_MISSING',
        )
        await opened.db.schema.dropSchema(schema).cascade().execute()
      }))
  })
}

describe('Kysely 0.28', () => {
  test('takes the migrations in its Migrator, and its instances as connections', async () => {
    const db = new Kysely028<unknown>({ dialect: new SqliteDialect028({ database: new Database(':memory:') }) })
    const migrator = new Migrator028({ db, provider: { getMigrations: async () => migrations as never } })
    expect((await migrator.migrateToLatest()).error).toBeUndefined()
    const lock = new LockFactory(kyselyStore({ connection: db as never })).createLock('k')
    expect(await lock.acquireImmediately()).toBe(true)
    await lock.release()
  })
})

describe('a database that is none of ours', () => {
  test('is E_UNSUPPORTED', async () => {
    const strange = new Kysely<unknown>({ dialect: new SqliteDialect({ database: new Database(':memory:') }) })
    const refuse = () => Promise.reject(new Error("'version' is not a recognized built-in function name."))
    const refusing = {
      withoutPlugins: () => refusing,
      executeQuery: refuse,
      connection: () => ({ execute: (work: (db: unknown) => unknown) => work(refusing) }),
    }
    const connection = Object.assign(Object.create(strange), {
      getExecutor: () => strange.getExecutor(),
      withoutPlugins: () => refusing,
    })
    Object.defineProperty(connection, 'isTransaction', { value: false })
    await rejection(new LockFactory(kyselyStore({ connection })).createLock('k').acquire(), 'E_UNSUPPORTED')
  })
})
