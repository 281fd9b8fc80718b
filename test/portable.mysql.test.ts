import mysql from 'mysql2/promise'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { dialectNamed } from '../src/dialects/detect.ts'
import { mysql2Executor } from '../src/executors/mysql2.ts'
import { schemaStatements } from '../src/schema/create-migrations.ts'
import type { StatementInput } from '../src/statement.ts'
import { allStatementsOf, mutated } from './mutation/mutated.ts'
import { BACKENDS } from './support/backends.ts'
import { serverAddress } from './support/server-address.ts'
import { uniqueTableName } from './support/table-name.ts'

const HOUR_US = 3_600_000_000
const ROW = { owner: 'o', attempt: 'a', token: 7, expires_at: Date.now() * 1000 + HOUR_US, acquired_at: 1, wanted: 0 }
const HOLD = { key: 'mine', owner: 'o', token: 7 }
const CHANGE: Partial<StatementInput> = {
  ...{
    freeSinceUs: Date.now() * 1000 - HOUR_US,
    ttlUs: 3 * HOUR_US,
    heldBy: 'h',
    heirOwner: 'p',
    heirAttempt: 'b',
    nextToken: 8,
    nowUs: Date.now() * 1000,
  },
}

/** On MySQL a portable change comes after a look. What has changed in between, only its own conditions see. */
describe.each(BACKENDS.filter(({ family }) => family === 'mysql'))('$name', (server) => {
  const { url } = serverAddress(server.url)
  const tableName = uniqueTableName('portable')
  const table = { tableName, schema: undefined }
  const statements = new Map(allStatementsOf('mysql', table).map((statement) => [statement.name, statement]))
  const dialect = dialectNamed('mysql', table, true)
  const broken = mutated('mysql', tableName)
  let connection: mysql.Connection
  beforeAll(async () => {
    connection = await mysql.createConnection(url)
    for (const sql of schemaStatements('mysql', { tableName })) await connection.query(sql)
  })
  afterAll(async () => {
    await connection.query(`drop table ${tableName}`)
    await connection.end()
  })

  /** Two rows alike, but for their keys. */
  const begin = async (row: Partial<typeof ROW> | { owner: null } = {}) => {
    await connection.query(`delete from ${tableName}`)
    for (const key of ['mine', 'other'])
      await connection.query(`insert into ${tableName} set ?`, [{ key, ...ROW, ...row }])
  }
  const send = (name: string, input: Partial<StatementInput>) => {
    const { sql, parameters } = statements.get(name) ?? expect.fail(`there is no ${name}`)
    const values = parameters.map((parameter) => dialect.encode(parameter, { ...CHANGE, ...input }[parameter] as never))
    return mysql2Executor(connection as never).execute({ sql: broken(sql) }, values)
  }
  const rows = async () => {
    const [found] = await connection.query<mysql.RowDataPacket[]>(`select * from ${tableName} order by \`key\``)
    return found.map((row) => ({ ...row, key: String(row.key) }))
  }

  test.each(['portable-extend', 'portable-renew', 'portable-hand-over'])(
    '%s needs key, owner and token',
    async (name) => {
      await begin()
      const before = await rows()
      for (const wrong of [{ key: 'no such key' }, { owner: 'stranger' }, { token: 8 }, { token: 6 }]) {
        expect(await send(name, { ...HOLD, ...wrong })).toMatchObject({ affectedRows: 0 })
        expect(await rows()).toEqual(before)
      }
      expect(await send(name, HOLD)).toMatchObject({ affectedRows: 1 })
      const [mine, other] = await rows()
      expect(mine).not.toEqual(before[0])
      expect(other).toEqual(before[1])
    },
  )

  test('portable-want needs an owner, and time', async () => {
    for (const row of [{ owner: null }, { expires_at: 5 }]) {
      await begin(row)
      const before = await rows()
      await send('portable-want', HOLD)
      expect(await rows()).toEqual(before)
    }
    await begin()
    await send('portable-want', HOLD)
    expect(await rows()).toMatchObject([{ wanted: 1 }, { wanted: 0 }])
  })

  test('portable-sweep-delete removes the row of its key, unless its token is ahead of the clock', async () => {
    await begin({ expires_at: 5, token: (Date.now() + 60_000) * 1000 })
    await send('portable-sweep-delete', HOLD)
    expect(await rows()).toHaveLength(2)
    await begin({ expires_at: Date.now() * 1000 - HOUR_US / 2 })
    await send('portable-sweep-delete', HOLD)
    expect(await rows()).toHaveLength(2)
    await begin({ expires_at: 5 })
    await send('portable-sweep-delete', HOLD)
    expect(await rows()).toMatchObject([{ key: 'other' }])
  })
})

test.runIf(BACKENDS.every(({ family }) => family !== 'mysql'))('nothing to test: no server is selected', () => {})
