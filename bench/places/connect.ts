/** One connection for what the benchmark itself asks: its tables and its counters. */
export interface Connection extends AsyncDisposable {
  send(sql: string): Promise<Record<string, unknown>[]>
}

/** Connects to Postgres, or to MySQL and MariaDB. */
export async function connect(url: string): Promise<Connection> {
  return url.startsWith('postgres') ? await connectPostgres(url) : await connectMysql(url)
}

async function connectPostgres(url: string): Promise<Connection> {
  const { default: pg } = await import('pg')
  const client = new pg.Client({ connectionString: url })
  client.on('error', () => {})
  await client.connect()
  return {
    send: async (sql) => (await client.query(sql)).rows as Record<string, unknown>[],
    [Symbol.asyncDispose]: () => client.end(),
  }
}

async function connectMysql(url: string): Promise<Connection> {
  const { default: mysql } = await import('mysql2/promise')
  const connection = await mysql.createConnection({ uri: url, multipleStatements: true })
  connection.on('error', () => {})
  return {
    send: async (sql) => (await connection.query(sql))[0] as unknown as Record<string, unknown>[],
    [Symbol.asyncDispose]: () => connection.end(),
  }
}
