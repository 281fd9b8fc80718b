import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { cluster } from '../../src/cli/doctor/checks/cluster.ts'
import { server } from '../../src/cli/doctor/checks/server.ts'
import { engineOf } from '../../src/cli/doctor/engine.ts'
import { examine } from '../../src/cli/doctor/examine.ts'
import type { Patient, Row } from '../../src/cli/doctor/patient.ts'
import { isSelected } from '../servers/selection.ts'
import { startMariadb } from '../servers/start-mariadb.ts'
import { startPostgres } from '../servers/start-postgres.ts'
import type { StartedServer } from '../servers/started-server.ts'
import { migrated, TABLE } from '../support/doctor/doctor-places.ts'
import { badOf, type Examined, openExamined } from '../support/doctor/examined.ts'
import { optionalServer } from '../support/optional-server.ts'

/** What is a matter of the whole server needs servers whose settings nobody else has to live with. */

describe.runIf(isSelected('postgres-18'))('doctor, a Postgres as people run it', () => {
  let own: StartedServer | undefined
  let one: Examined

  beforeAll(async () => {
    const settings = { fsync: 'on', full_page_writes: 'on', max_prepared_transactions: '2', max_connections: '23' }
    own = await optionalServer('Postgres 18, of the doctor', () => startPostgres('postgres-18', settings))
    if (!own) return
    await migrated({ url: own.url, drop: async () => {} })
    one = await openExamined(own.url, TABLE)
  })
  afterAll(async () => {
    await one?.[Symbol.asyncDispose]()
    await own?.stop()
  })

  test('nothing but good', async (context) => {
    if (!own) return context.skip()
    const levels = (await examine(one.patient)).map(({ level }) => level)
    expect([...new Set(levels)]).toEqual(['ok'])
  })

  test('a transaction that was prepared and forgotten', async (context) => {
    if (!own) return context.skip()
    const client = new pg.Client(own.url)
    await client.connect()
    await client.query(`insert into ${TABLE} (key, token, expires_at, acquired_at) values ('a', 1, 0, 0)`)
    await client.query('begin')
    await client.query(`update ${TABLE} set held_by = 'x'`)
    await client.query("prepare transaction 'lost'")
    try {
      const what = expect.stringMatching(
        /^the prepared transaction 'lost' of postgres has had rows of the table locked/,
      )
      expect(await one.check('blockers')).toEqual([expect.objectContaining({ level: 'warning', what })])
    } finally {
      await client.query("rollback prepared 'lost'")
      await client.end()
    }
  })

  test('hardly any room for more connections', async (context) => {
    if (!own) return context.skip()
    const pool = new pg.Pool({ connectionString: own.url, max: 18 })
    const clients = await Promise.all(Array.from({ length: 17 }, () => pool.connect()))
    try {
      const what = expect.stringMatching(/^(18|19|20) of 20 connections in use$/)
      expect(await one.check('connections')).toEqual([expect.objectContaining({ level: 'warning', what })])
    } finally {
      for (const client of clients) client.release()
      await pool.end()
    }
  })
})

describe.runIf(isSelected('mariadb'))('doctor, a MariaDB that is a replica', () => {
  let own: StartedServer | undefined

  beforeAll(async () => {
    const options = ['--log-bin=bin', '--binlog-format=STATEMENT', '--read-only=ON', '--sync-binlog=0']
    own = await optionalServer('MariaDB, of the doctor', () => startMariadb(options))
  })
  afterAll(() => own?.stop())

  test('read-only, a binary log of statements, and commits that it forgets', async (context) => {
    if (!own) return context.skip()
    await using one = await openExamined(own.url, TABLE)
    const remarks = [
      ...(await one.check('read-only')),
      ...(await one.check('settings')),
      ...(await one.check('durability')),
    ]
    expect(badOf(remarks).map(({ level, what }) => [level, what])).toEqual([
      ['problem', 'nothing can be written: `read_only` is on, as on a replica'],
      ['warning', 'binlog_format is STATEMENT'],
      ['warning', expect.stringMatching(/innodb_flush_log_at_trx_commit = 0, .*sync_binlog = 0$/)],
    ])
  })
})

/** What needs several servers, or old ones, is played: their answers are those of the tests of clusters. */
describe('doctor, servers that are not here', () => {
  test.each([
    ['postgres', 'PostgreSQL 13.21 on x86_64', 'problem', 'Postgres 13.21 is not supported'],
    ['postgres', 'PostgreSQL 18beta1 on x86_64', 'ok', 'Postgres 18'],
    ['mysql', '8.0.43', 'problem', 'MySQL 8.0.43 is not supported'],
    ['mysql', '10.6.22-MariaDB-log', 'problem', 'MariaDB 10.6.22 is not supported'],
    ['mysql', '5.5.5-11.4.7-MariaDB', 'ok', 'MariaDB 11.4.7'],
    ['postgres', 'CockroachDB CCL v25.2.1 (x86_64-pc-linux-gnu)', 'note', 'CockroachDB 25.2.1'],
    ['postgres', 'PostgreSQL 15.2-YB-2025.1.0.0-b0 on x86_64', 'note', 'YugabyteDB 2025.1.0.0'],
    ['mysql', '8.0.11-TiDB-v8.5.2', 'note', 'TiDB 8.5.2'],
    ['mysql', '8.0.30-Vitess', 'note', 'Vitess 8.0.30'],
  ] as const)('%s: %s', async (dialect, version, level, what) => {
    const patient = { engine: engineOf(dialect, version) } as Patient
    expect(await server.run(patient)).toEqual([expect.objectContaining({ level, what })])
  })

  const patientOf = (dialect: Patient['dialect'], version: string, answers: readonly (readonly Row[])[]) => {
    const left = [...answers]
    return { dialect, engine: engineOf(dialect, version), ask: async () => left.shift() ?? [] } as unknown as Patient
  }
  const group = [{ Variable_name: 'group_replication_group_name', Value: 'a' }]
  const consistency = (Value: string) => [{ Variable_name: 'group_replication_consistency', Value }]
  const galera = (status: string, ready: string) => [
    { Variable_name: 'wsrep_cluster_size', Value: '3' },
    { Variable_name: 'wsrep_cluster_status', Value: status },
    { Variable_name: 'wsrep_ready', Value: ready },
  ]

  test.each([
    [
      'a replica that lags',
      patientOf('postgres', '18', [[{ replicas: '1' }], [{ value: '' }]]),
      'note',
      /none of them sync/,
    ],
    [
      'a synchronous one',
      patientOf('postgres', '18', [[{ replicas: '1' }], [{ value: '*' }]]),
      'ok',
      /synchronous: \*/,
    ],
    [
      'a secondary',
      patientOf('mysql', '9.7.4', [group, [{ state: 'ONLINE', role: 'SECONDARY' }]]),
      'problem',
      /secondary/,
    ],
    [
      'a member that recovers',
      patientOf('mysql', '9.7.4', [group, [{ state: 'RECOVERING', role: '' }]]),
      'problem',
      /RECOVERING/,
    ],
    [
      'a primary with weak consistency',
      patientOf('mysql', '9.7.4', [group, [{ state: 'ONLINE', role: 'PRIMARY' }], consistency('EVENTUAL')]),
      'warning',
      /EVENTUAL/,
    ],
    [
      'a primary',
      patientOf('mysql', '9.7.4', [
        group,
        [{ state: 'ONLINE', role: 'PRIMARY' }],
        consistency('BEFORE_ON_PRIMARY_FAILOVER'),
      ]),
      'ok',
      /primary, consistency BEFORE/,
    ],
    [
      'a node without quorum',
      patientOf('mysql', '10.11.1-MariaDB', [galera('non-Primary', 'OFF')]),
      'problem',
      /not ready/,
    ],
  ] as const)('%s', async (_what, patient, level, says) => {
    expect(await cluster.run(patient)).toEqual([expect.objectContaining({ level, what: expect.stringMatching(says) })])
  })
})
