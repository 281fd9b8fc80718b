import '../node-version.ts'
import type { CallerTransaction } from '../caller-transaction.ts'
import { errors } from '../errors.ts'
import { invalidOption } from '../options.ts'

export type { CallerTransaction, TransactionAnswer, TransactionStatement } from '../caller-transaction.ts'

/** The part of Prisma's transaction client that is used; checked against the real types in the tests. */
export interface PrismaTransactionLike {
  /** Sends a statement, with the placeholders of the database, for its rows. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Prisma
  $queryRawUnsafe(sql: string, ...values: any[]): PromiseLike<any>
  /** Sends a statement, with the placeholders of the database, for the number of rows it affects. */
  // biome-ignore lint/suspicious/noExplicitAny: as in Prisma
  $executeRawUnsafe(sql: string, ...values: any[]): PromiseLike<number>
}

/**
 * An interactive transaction of Prisma, for `verrou.within(…)` and `lock.guard(…)`. Through its driver adapters for `pg`,
 * `mariadb` (MySQL, too) and `better-sqlite3`.
 *
 * Prisma rolls an interactive transaction back after 5 seconds. If you wait for a lock in it, raise `timeout`. On MySQL and
 * MariaDB, await each lock before you send something else on the transaction: Prisma does not show what our statements
 * bring back, and a statement of yours that comes between could change it.
 *
 * @param tx the client that `prisma.$transaction` calls back with. Not `prisma`, which may send each statement on another
 * connection.
 * @throws LockError `E_INVALID_OPTION`: it is something else. Statements after its end, or its timeout, are refused with
 * `E_TRANSACTION_REQUIRED`.
 * @example
 * await prisma.$transaction(async (tx) => {
 *   await verrou.within(fromPrisma(tx)).lockUntilCommit('account:7')
 *   await tx.account.update({ where: { id: 7 }, data: { balance: { decrement: 5 } } })
 * })
 */
export function fromPrisma(tx: PrismaTransactionLike): CallerTransaction {
  if (!isTransactionClient(tx)) {
    throw invalidOption('tx', 'a transaction of Prisma: the `tx` of `prisma.$transaction(async (tx) => …)`', tx)
  }
  return {
    handle: tx,
    async execute({ sql, returnsRows }, values) {
      try {
        if (returnsRows) {
          const rows = await answerOf(() => tx.$queryRawUnsafe(sql, ...values))
          return { rows, affectedRows: rows.length, insertId: 0 }
        }
        const affectedRows = await answerOf(() => tx.$executeRawUnsafe(sql, ...values))
        if (affectedRows === 0 || !sql.includes('last_insert_id(')) return { rows: [], affectedRows, insertId: 0 }
        // MySQL's number is in the reply, which Prisma does not show.
        const [row] = await answerOf(() => tx.$queryRawUnsafe('select last_insert_id() as id'))
        return { rows: [], affectedRows, insertId: Number(row.id) }
      } catch (error) {
        throw driverErrorOf(error)
      }
    },
  }
}

const MOST_EFFORTS = 10

/**
 * Prisma sends what is asked at the same moment one after the other, and after an error no more of it. It then gives
 * neither an answer nor an error for what it has not sent, so that is asked again.
 */
async function answerOf<Answer>(send: () => PromiseLike<Answer | undefined>): Promise<Answer> {
  for (let efforts = 0; efforts < MOST_EFFORTS; efforts++) {
    const answer = await send()
    if (answer !== undefined) return answer
  }
  throw new TypeError('Prisma brings back no answer; perhaps an extension of the client keeps it')
}

/** The whole client looks the same, but for what a transaction must not do. */
function isTransactionClient(given: unknown): boolean {
  const { $queryRawUnsafe, $executeRawUnsafe, $connect } = (given ?? {}) as Record<string, unknown>
  return typeof $queryRawUnsafe === 'function' && typeof $executeRawUnsafe === 'function' && $connect === undefined
}

/**
 * Prisma's error has a code of its own. What the driver said is in its `meta`, without the driver's error: this stands for
 * that one.
 */
function driverErrorOf(error: unknown): unknown {
  const { code, meta } = (error ?? {}) as PrismaErrorLike
  // "Transaction API error": nothing was sent.
  if (code === 'P2028') {
    const message = 'the transaction of Prisma has ended, or its `timeout` has passed'
    return new errors.E_TRANSACTION_REQUIRED(message, { cause: error })
  }
  const { originalCode, originalMessage } = meta?.driverAdapterError?.cause ?? {}
  if (typeof originalCode !== 'string') return error
  // Four digits: MySQL's error number. SQLSTATE has five characters, SQLite's codes are names.
  const errno = /^\d{4}$/.test(originalCode) ? { errno: Number(originalCode) } : {}
  return Object.assign(new Error(String(originalMessage), { cause: error }), { code: originalCode, ...errno })
}

interface PrismaErrorLike {
  readonly code?: unknown
  readonly meta?: { readonly driverAdapterError?: { readonly cause?: Record<string, unknown> } }
}
