import '../node-version.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { invalidOption } from '../options.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of a `Client` or `PoolClient` of `pg` that is used; checked against the real types in the tests. */
export interface PgClientLike {
  /** Sends one statement on its connection. */
  query(query: { text: string; values: unknown[] }): Promise<{
    rows: Record<string, unknown>[]
    rowCount: number | null
  }>
  /** What the server last said: `I` outside of a transaction. Older versions of `pg` have no such method. */
  getTransactionStatus?(): string | null
  /** Only a `Pool` has it. A pool sends each statement on another connection. */
  readonly totalCount?: never
}

/**
 * The transaction that is open on a connection of node-postgres, for `verrou.within(…)` and `lock.guard(…)`.
 *
 * Call it once for each transaction, after `begin`: what another call makes of the same client is taken for another
 * transaction.
 *
 * @param client a `Client`, or what `pool.connect()` returned. Not a `Pool`, which may send each statement on another
 * connection.
 * @throws LockError `E_INVALID_OPTION`: it is something else. Statements are refused with `E_TRANSACTION_REQUIRED` while
 * no transaction is open; nothing is sent then.
 * @example
 * const client = await pool.connect()
 * await client.query('begin')
 * await verrou.within(fromPg(client)).lockUntilCommit('account:7')
 * await client.query('update accounts set balance = balance - 5 where id = 7')
 * await client.query('commit')
 * client.release()
 */
export function fromPg(client: PgClientLike): CallerTransaction {
  if (!isClient(client)) {
    throw invalidOption('client', 'a Client or PoolClient of pg on which you have sent `begin`, not a Pool', client)
  }
  return {
    // A new one each time: a client has one transaction after the other.
    handle: {},
    async execute({ sql }, values) {
      if (client.getTransactionStatus?.() === 'I') {
        throw new errors.E_TRANSACTION_REQUIRED('no transaction is open on the connection of pg')
      }
      const { rows, rowCount } = await client.query({ text: sql, values: [...values] })
      const status = client.getTransactionStatus?.() ?? undefined
      return {
        rows,
        affectedRows: rowCount ?? 0,
        insertId: 0,
        isInTransaction: status === undefined ? undefined : status !== 'I',
      }
    },
  }
}

function isClient(client: unknown): boolean {
  if (typeof client !== 'object' || client === null || 'totalCount' in client) return false
  return 'query' in client && typeof client.query === 'function'
}
