import type { LockDialect } from '../dialects/dialect.ts'
import { errors } from '../errors.ts'
import type { SqlExecutor } from '../executors/executor.ts'
import type { ResolvedTable } from '../options.ts'
import { StoreTrouble } from '../store-trouble.ts'
import { isAlreadyThere, isColumnDone, isInterrupted } from './collision.ts'
import { schemaStatements } from './create-migrations.ts'

/** Creates the table, or adds what it lacks, as the migrations would, without their bookkeeping: what `autoCreateTable: true` does. */
export async function createLockTable(
  executor: SqlExecutor,
  dialect: LockDialect,
  table: ResolvedTable,
): Promise<void> {
  for (const sql of schemaStatements(dialect.name, table)) {
    try {
      await executor.execute({ sql }, [])
    } catch (error) {
      if (isAlreadyThere(error) || isColumnDone(error)) continue
      if (isInterrupted(error)) throw new StoreTrouble('transient', error)
      const meaning = dialect.meaningOf(error, 'create-table')
      if (meaning === 'unreachable' || meaning === 'unanswered') throw new StoreTrouble(meaning, error)
      throw new errors.E_SCHEMA_MISSING(`the table \`${table.tableName}\` is missing and could not be created`, {
        cause: error,
        details: { table: table.tableName },
      })
    }
  }
}
