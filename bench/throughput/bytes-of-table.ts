import { randomBytes } from 'node:crypto'
import { schemaStatements } from '../../src/schema/create-migrations.ts'

const ROWS_AT_ONCE = 1_000
const TABLE = 'sized'

const WORDS = {
  postgres: {
    key: 'key',
    settle: `vacuum analyze ${TABLE}`,
    size: `select pg_total_relation_size('${TABLE}') as bytes`,
  },
  mysql: {
    key: '`key`',
    settle: `analyze table ${TABLE}`,
    size: `select data_length + index_length as bytes from information_schema.tables where table_schema = database() and table_name = '${TABLE}'`,
  },
}

/** How many bytes a table and its index take, with so many keys of 36 bytes that were taken, in no order, and released. */
export async function bytesOfTable(family: 'postgres' | 'mysql', url: string, rows: number): Promise<number> {
  const { key, settle, size } = WORDS[family]
  const { send, end } = await connect(family, url)
  for (const sql of schemaStatements(family, { tableName: TABLE })) await send(sql)
  for (let done = 0; done < rows; done += ROWS_AT_ONCE) {
    const taken = Array.from({ length: Math.min(ROWS_AT_ONCE, rows - done) }, rowAsTaken)
    await send(
      `insert into ${TABLE} (${key}, owner, attempt, token, expires_at, acquired_at, held_by) values ${taken.join(', ')}`,
    )
  }
  await send(`update ${TABLE} set owner = null, attempt = null, expires_at = expires_at - 1`)
  await send(settle)
  const [row] = await send(size)
  await send(`drop table ${TABLE}`)
  await end()
  return Number(row?.bytes)
}

function rowAsTaken(): string {
  const [job, owner, attempt] = [0, 1, 2].map(() => randomBytes(16).toString('hex'))
  return `('job:${job}', '${owner}', '${attempt}', 1760000000000000, 1760000030000000, 1760000000000000, 'app-server-1:12345')`
}

async function connect(family: 'postgres' | 'mysql', url: string) {
  if (family === 'postgres') {
    const { default: pg } = await import('pg')
    const client = new pg.Client({ connectionString: url })
    await client.connect()
    return {
      send: async (sql: string) => (await client.query(sql)).rows as { bytes?: unknown }[],
      end: () => client.end(),
    }
  }
  const { default: mysql } = await import('mysql2/promise')
  const connection = await mysql.createConnection(url)
  return {
    send: async (sql: string) => (await connection.query(sql))[0] as unknown as { bytes?: unknown }[],
    end: () => connection.end(),
  }
}
