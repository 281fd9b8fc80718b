import type { TransactionAnswer } from '../caller-transaction.ts'

/** SERVER_STATUS_IN_TRANS: https://dev.mysql.com/doc/dev/mysql-server/latest/mysql__com_8h.html */
const IN_TRANSACTION = 1

/** What `mysql2` brings back of a statement: rows, or the server's reply to one that has none. */
// biome-ignore lint/suspicious/noExplicitAny: mysql2's result is a union that depends on the statement
export function mysql2Reply(result: any): TransactionAnswer {
  if (Array.isArray(result)) return { rows: result, affectedRows: result.length, insertId: 0 }
  const { affectedRows, insertId = 0, serverStatus } = result
  const isInTransaction = typeof serverStatus === 'number' ? (serverStatus & IN_TRANSACTION) !== 0 : undefined
  return { rows: [], affectedRows: Number(affectedRows), insertId: Number(insertId), isInTransaction }
}
