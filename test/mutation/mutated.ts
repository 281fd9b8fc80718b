import type { DialectName } from '../../src/dialects/compiler.ts'
import { dialectNamed } from '../../src/dialects/detect.ts'
import type { LockDialect, TransactionStep } from '../../src/dialects/dialect.ts'
import type { ResolvedTable } from '../../src/options.ts'
import type { Statement } from '../../src/statement.ts'
import { sqlMutants } from './sql-mutants.ts'

/** Every statement of a dialect, each once. */
export function statementsOf({
  trySteps,
  wantSteps,
  holdLook,
  together,
  statements,
  transaction,
  session,
  presence,
}: LockDialect): Statement[] {
  const { lockLive, snapshotQuestion } = transaction
  const around = transaction.trySteps.flatMap(aroundOf)
  const all = [
    ...[...trySteps, ...transaction.trySteps, ...wantSteps].map(({ statement }) => statement),
    ...[...Object.values(statements), ...Object.values(transaction.statements)],
    ...Object.values(session?.statements ?? {}),
    ...[
      ...around,
      ...(holdLook ? [holdLook.statement] : []),
      ...(together ? [together.acquire, together.release] : []),
      ...(together?.look ? [together.look.statement] : []),
      ...Object.values(presence?.statements ?? {}),
      ...(lockLive ? [lockLive] : []),
      ...(snapshotQuestion === 'always' ? [] : [snapshotQuestion]),
    ],
  ]
  const sent = all.flatMap((statement) => [statement, ...(statement.uncounted ? [statement.uncounted] : [])])
  return [...new Map(sent.map((statement) => [statement.name, statement])).values()]
}

function aroundOf({ around }: TransactionStep): Statement[] {
  if (!around) return []
  const { before, after, onError } = around
  return onError ? [before, onError, after] : [before, after]
}

/** Every statement for a database, each once: also the portable ones. */
export function allStatementsOf(dialect: DialectName, table: ResolvedTable): Statement[] {
  const all = [false, true].flatMap((isPortable) => statementsOf(dialectNamed(dialect, table, isPortable)))
  return [...new Map(all.map((statement) => [statement.name, statement])).values()]
}

/**
 * What turns our statements into broken ones on their way to the driver, when VERROU_MUTANT names one
 * ("acquire:3": the third way to break that statement). Else nothing is changed.
 */
export function mutated(dialect: DialectName, tableName: string): (sql: string) => string {
  const mutant = process.env.VERROU_MUTANT
  if (!mutant) return (sql) => sql
  const [name, index] = mutant.split(':')
  const table = { tableName, schema: undefined }
  const statement = allStatementsOf(dialect, table).find((one) => one.name === name)
  const broken = statement && sqlMutants(statement.sql)[Number(index)]
  return (sql) => (broken && sql === statement.sql ? broken.sql : sql)
}
