import { CompiledQuery, type Kysely } from 'kysely'
import type { CallerTransaction, KyselyTransactionLike } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import type { Answer } from '../statement.ts'
import type { SqlExecutor } from './executor.ts'

/**
 * Sends through any Kysely instance, without its plugins: a `CamelCasePlugin` would rename our columns.
 * Works with Kysely 0.28 and 0.29.
 */
export function kyselyExecutor(connection: KyselyLike): SqlExecutor {
  const plain = connection.withoutPlugins()
  return {
    async execute({ sql }, values): Promise<Answer> {
      const { rows, numAffectedRows, insertId } = await plain.executeQuery(CompiledQuery.raw(sql, [...values]))
      return {
        rows: rows as Record<string, unknown>[],
        affectedRows: Number(numAffectedRows ?? rows.length),
        insertId: Number(insertId ?? 0),
      }
    },
  }
}

type KyselyLike = Pick<KyselyTransactionLike, 'withoutPlugins'>

/** Sends on a transaction of Kysely, which knows by itself whether it has ended. */
export function kyselyTransaction(transaction: KyselyTransactionLike): CallerTransaction {
  const executor = kyselyExecutor(transaction)
  return {
    handle: transaction,
    async execute(statement, values) {
      try {
        return await executor.execute(statement, values)
      } catch (error) {
        throw hasEnded(error) ? endedError(error) : error
      }
    },
  }
}

/** Kysely has no code for it. */
function hasEnded(error: unknown): boolean {
  return error instanceof Error && /^Transaction is already (committed|rolled back|aborted)/.test(error.message)
}

function endedError(cause: unknown): Error {
  const { message } = cause as Error
  return new errors.E_TRANSACTION_REQUIRED(`the transaction of Kysely has ended: ${message}`, { cause })
}

/** Whether all that is sent shares one connection: SQLite and PGlite. Kysely 0.28 does not say so. */
// biome-ignore lint/suspicious/noExplicitAny: whatever tables the caller's database has
export function hasOneConnection(connection: Kysely<any>): boolean {
  return connection.getExecutor().adapter.supportsMultipleConnections === false || isSqliteLikely(connection)
}

/** Whether the adapter looks like SQLite's. Only saves a question; the database itself decides. */
// biome-ignore lint/suspicious/noExplicitAny: whatever tables the caller's database has
export function isSqliteLikely(connection: Kysely<any>): boolean {
  const { supportsReturning, supportsTransactionalDdl } = connection.getExecutor().adapter
  return supportsReturning === true && supportsTransactionalDdl !== true
}
