import { Kysely, MysqlDialect } from 'kysely'
import { createPool } from 'mysql2'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CHECKS } from '../../src/cli/doctor/examine.ts'
import { startPgbouncer } from '../servers/start-pgbouncer.ts'
import { DOCTOR_SERVERS, type DoctorPlace, migrated, TABLE } from '../support/doctor/doctor-places.ts'
import { badOf, type Examined, openExamined } from '../support/doctor/examined.ts'
import { optionalServer } from '../support/optional-server.ts'

describe.each(DOCTOR_SERVERS.filter(({ family }) => family === 'postgres'))('doctor, settings: $name', ({ create }) => {
  let place: DoctorPlace

  beforeAll(async () => {
    place = await migrated(await create())
  })
  afterAll(() => place.drop())

  async function check(name: string, setting?: string) {
    const url = new URL(place.url)
    if (setting) url.searchParams.set('options', `-c ${setting}`)
    await using one = await openExamined(url.href, TABLE)
    return await one.check(name)
  }

  test.each([
    ['default_transaction_read_only=on', 'read-only', 'problem', /`default_transaction_read_only` is on/],
    ['default_transaction_isolation=serializable', 'isolation', 'note', /^SERIALIZABLE by default/],
    ['synchronous_commit=off', 'durability', 'warning', /synchronous_commit = off/],
  ] as const)('%s', async (setting, name, level, says) => {
    const what = expect.stringMatching(says)
    expect(await check(name, setting)).toEqual([expect.objectContaining({ level, what })])
  })

  test('a pooler in between: sessions are not ours, and nothing is heard', async (context) => {
    const pgbouncer = await optionalServer('PgBouncer', () => startPgbouncer(place.url, 'transaction'))
    if (!pgbouncer) return context.skip()
    try {
      await using one = await openExamined(pgbouncer.url, TABLE)
      const [pooler, listen, table] = await Promise.all([one.check('pooler'), one.check('listen'), one.check('table')])
      const pooled = expect.stringMatching(/^a pooler hands the sessions of the server to many clients/)
      expect(pooler).toEqual([expect.objectContaining({ level: 'warning', what: pooled })])
      const deaf = expect.stringMatching(/^notifications do not arrive/)
      expect(listen).toEqual([expect.objectContaining({ level: 'warning', what: deaf })])
      expect(badOf(table)).toEqual([])
    } finally {
      await pgbouncer.stop()
    }
  })

  test('a pool that does not show: not checked, with the reason', async () => {
    await using one = await openExamined(place.url, TABLE)
    const hidden = { ...one.patient, pool: undefined }
    for (const name of ['pooler', 'listen']) {
      const remarks = await CHECKS.find((check) => check.name === name)?.run(hidden)
      expect(remarks).toEqual([{ level: 'unchecked', what: expect.stringMatching(/^not checked: the pool behind/) }])
    }
  })

  test('dead rows, updates that leave their page, size, and no autovacuum', async () => {
    await using one = await openExamined(place.url, TABLE)
    await one.send(`alter table ${TABLE} set (autovacuum_enabled = off, fillfactor = 100)`)
    await one.send(`create index on ${TABLE} (token)`)
    const row = "'bloat' || n, null, null, n, 0, 0, repeat('x', 900)"
    await one.send(`insert into ${TABLE} select ${row} from generate_series(1, 1000) as n`)
    // In one transaction: what has died in another one is tidied up on the fly.
    const update = `update ${TABLE} set token = token + 1`
    await one.send(`do 'begin for i in 1..11 loop ${update}; end loop; end'`)
    await vi.waitFor(async () => {
      // A session tells what it has counted when it has something to do.
      await one.send('select 1')
      expect((await check('bloat')).map(({ what }) => what)).toEqual([
        'autovacuum is off for this table',
        '11,000 dead rows beside 1,000 live ones; last vacuumed never',
        'only 0 % of its updates stayed on their page (HOT)',
        expect.stringMatching(/^1\d\.\d MB for 1,000 rows$/),
      ])
    }, 10_000)
  })
})

describe.each(DOCTOR_SERVERS.filter(({ family }) => family === 'mysql'))('doctor, settings: $name', ({ create }) => {
  let place: DoctorPlace
  let one: Examined

  beforeAll(async () => {
    place = await migrated(await create())
    one = await openExamined(place.url, TABLE)
  })
  afterAll(async () => {
    await one[Symbol.asyncDispose]()
    await place.drop()
  })

  test.each([
    ["sql_mode = ''", 'settings', 'warning', /^sql_mode is not strict/],
    ['innodb_lock_wait_timeout = 100', 'settings', 'note', /^innodb_lock_wait_timeout is 100 s/],
    ["transaction_isolation = 'SERIALIZABLE'", 'isolation', 'note', /^SERIALIZABLE by default/],
    ["transaction_isolation = 'READ-COMMITTED'", 'isolation', 'ok', /^READ COMMITTED$/],
  ] as const)('%s', async (setting, name, level, says) => {
    const pool = createPool({ uri: place.url, connectionLimit: 2 })
    // MariaDB has that name since 11.1: https://mariadb.com/kb/en/server-system-variables/#transaction_isolation
    const own =
      one.patient.engine.name === 'MariaDB' ? setting.replace('transaction_isolation', 'tx_isolation') : setting
    pool.on('connection', (connection) => connection.query(`set session ${own}`))
    const db = new Kysely<unknown>({ dialect: new MysqlDialect({ pool }) })
    const ask: Examined['patient']['ask'] = async (question) => (await question.execute(db)).rows as never
    const remarks = await CHECKS.find((check) => check.name === name)?.run({ ...one.patient, db, ask })
    await db.destroy()
    expect(remarks).toEqual([expect.objectContaining({ level, what: expect.stringMatching(says) })])
  })
})
