import { createConnection, type RowDataPacket } from 'mysql2/promise'

/** Sends one statement over a connection of its own; the answer is the rows. */
export async function queryMysql(url: string, sql: string): Promise<RowDataPacket[]> {
  const connection = await createConnection({ uri: url, connectTimeout: 2_000 })
  // A connection that breaks while it is idle is reported as an event.
  connection.on('error', () => {})
  try {
    const [rows] = await connection.query<RowDataPacket[]>({ sql, timeout: 5_000 })
    return rows
  } finally {
    connection.destroy()
  }
}
