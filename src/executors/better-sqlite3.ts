import { errors } from '../errors.ts'
import type { Answer } from '../statement.ts'
import type { SqlExecutor, WordingWithValues } from './executor.ts'

/** The part of a `better-sqlite3` database that is used; checked against the real types in the tests. */
export interface BetterSqlite3Like {
  /** Whether a transaction of the caller's is open. */
  readonly inTransaction: boolean
  /** Prepares a statement. */
  prepare(sql: string): BetterSqlite3StatementLike
}

/** The part of a prepared statement of `better-sqlite3` that is used. */
export interface BetterSqlite3StatementLike {
  /** Whether it returns rows. */
  readonly reader: boolean
  /** Whether it writes nothing. */
  readonly readonly: boolean
  /** From now on, its rows are arrays. */
  raw?(): unknown
  /** Runs it, for its rows. */
  // biome-ignore lint/suspicious/noExplicitAny: as in @types/better-sqlite3
  all(...values: any[]): any[]
  /** Runs it, for its effect. */
  // biome-ignore lint/suspicious/noExplicitAny: as in @types/better-sqlite3
  run(...values: any[]): { changes: number }
}

/** `pragma synchronous`: in a write-ahead log, a commit does not wait for the disk, and the next one that does takes it along. */
const NORMAL = 1

/**
 * Sends through a `better-sqlite3` database, with statements prepared once.
 *
 * The driver is synchronous: while it waits for another process's write lock, nothing else runs in this one, not even
 * the timers that keep leases alive. So nothing waits here (busy_timeout 0 for the length of the call, then the
 * caller's value again): a busy file is trouble that passes, and asked again later.
 *
 * @throws LockError `E_SINGLE_CONNECTION` while a transaction is open on the database
 */
export function betterSqlite3Executor(database: BetterSqlite3Like): SqlExecutor {
  const prepared = new Map<string, BetterSqlite3StatementLike>()
  const prepare = (sql: string): BetterSqlite3StatementLike => {
    const statement = prepared.get(sql) ?? database.prepare(sql)
    prepared.set(sql, statement)
    return statement
  }
  const run = (sql: string, values: readonly unknown[]): Answer => {
    const statement = prepare(sql)
    if (!statement.reader) return { rows: [], affectedRows: statement.run(...values).changes, insertId: 0 }
    const rows = statement.all(...values)
    return { rows, affectedRows: rows.length, insertId: 0 }
  }
  // SQLite compiles a pragma anew for every execution, and the driver then makes a new function for its rows, unless they are arrays.
  const pragma = (text: string): unknown => {
    const statement = prepare(`pragma ${text}`)
    if (!statement.reader) return statement.run()
    statement.raw?.()
    return Object.values(statement.all()[0] ?? {})[0]
  }
  const withPragma = <T>(name: string, value: number, work: () => T): T => {
    const before = Number(pragma(name))
    if (before === value) return work()
    pragma(`${name} = ${value}`)
    try {
      return work()
    } finally {
      pragma(`${name} = ${before}`)
    }
  }
  const withoutWaiting = <T>(work: () => T): T => {
    if (database.inTransaction) throw inTransactionError()
    return withPragma('busy_timeout', 0, work)
  }
  // Elsewhere than in a write-ahead log, less than `full` could damage the file: https://www.sqlite.org/pragma.html#pragma_synchronous
  const canForget = () => pragma('journal_mode') === 'wal' && Number(pragma('synchronous')) > NORMAL
  const withoutDisk = <T>(mayBeForgotten: boolean, work: () => T): T =>
    mayBeForgotten && canForget() ? withPragma('synchronous', NORMAL, work) : work()
  const runAll = (statements: readonly WordingWithValues[], begin: string): Answer[] => {
    const answers = () => statements.map(({ wording, values }) => run(wording.sql, values))
    if (statements.length < 2) return answers()
    run(begin, [])
    try {
      const all = answers()
      run('commit', [])
      return all
    } catch (error) {
      // A trigger may have ended it already; a commit that met a reader has not.
      if (database.inTransaction) run('rollback', [])
      throw error
    }
  }
  return {
    async execute({ sql, mayBeForgotten = false }, values) {
      const answer = withoutWaiting(() => withoutDisk(mayBeForgotten, () => run(sql, values)))
      if (!prepare(sql).readonly) await nextTurn()
      return answer
    },
    async lookAndWrite(looks, writesAfter) {
      const written = withoutWaiting(() => {
        const writes = writesAfter(runAll(looks, 'begin'))
        const mayBeForgotten = writes.every(({ wording }) => wording.mayBeForgotten)
        return withoutDisk(mayBeForgotten && writes.length > 0, () => runAll(writes, 'begin immediate'))
      })
      if (written.length > 0) await nextTurn()
      return written
    },
  }
}

/** Where every answer is there at once, promises alone would never let the event loop go on: to timers, to sockets, and to those who join the next transaction. */
function nextTurn(): Promise<void> {
  return new Promise((resolve) => setImmediate(resolve))
}

/** What we wrote would be undone by the rollback of a transaction that we know nothing about. */
function inTransactionError() {
  return new errors.E_SINGLE_CONNECTION(
    'the better-sqlite3 database is inside a transaction; use `verrou.within(fromBetterSqlite3(database))` for locks of that transaction, ' +
      'or give the store a database of its own',
  )
}
