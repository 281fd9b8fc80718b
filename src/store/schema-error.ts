import { errors, type LockError } from '../errors.ts'
import type { ResolvedTable } from '../options.ts'

/** The error for a table that is not there, or is not as this version needs it; `undefined` for any other meaning. */
export function schemaError(
  meaning: string,
  { schema, tableName }: ResolvedTable,
  cause: unknown,
): LockError | undefined {
  if (meaning !== 'missing-table' && meaning !== 'outdated-table') return undefined
  const name = schema === undefined ? tableName : `${schema}.${tableName}`
  const isMissing = meaning === 'missing-table'
  return new errors[isMissing ? 'E_SCHEMA_MISSING' : 'E_SCHEMA_OUTDATED'](
    `the table \`${name}\` ${isMissing ? 'does not exist' : 'lacks a column'}: run \`npx verrou migrate\`, or \`npx kysely migrate:latest\` with the ` +
      'migrations of verrou-sql/migrations, or `await migrateToLatest(db)` from there, or apply sql/<dialect>/schema.sql, or pass `autoCreateTable: true`',
    { cause, details: { table: name } },
  )
}
