import { Argument, type Command, Option } from 'commander'
import type { DialectName } from '../../dialects/compiler.ts'
import { schemaStatements } from '../../schema/create-migrations.ts'
import { lockMigrator, migrateInTurn } from '../../schema/lock-migrator.ts'
import { CliError } from '../cli-error.ts'
import { type Connection, connect } from '../connect.ts'
import { databaseAddress } from '../connection/database-address.ts'
import { type DatabaseOptions, databaseCommand, tableOptionsOf } from '../database-command.ts'
import { confirm } from '../output/confirm.ts'
import { printJson } from '../output/print-json.ts'
import { openScreen } from '../output/screen.ts'
import { table } from '../output/table.ts'

const DIALECTS: readonly DialectName[] = ['postgres', 'mysql', 'sqlite']

type Direction = 'up' | 'down' | 'status'

interface MigrateOptions extends DatabaseOptions {
  readonly print?: boolean
  readonly dialect?: DialectName
  readonly yes?: boolean
}

/** `verrou migrate`: the lock table, made, undone, looked at or printed. */
export function migrateCommand(): Command {
  return databaseCommand('migrate')
    .description('creates the lock table or brings it up to date, takes the last step back, or tells what is applied')
    .addArgument(new Argument('[direction]', 'what to do').choices(['up', 'down', 'status']).default('up'))
    .option('--print', 'prints the SQL instead, for psql or other tools; needs no database')
    .addOption(new Option('--dialect <dialect>', 'with --print: the database it is for').choices(DIALECTS))
    .option('--yes', 'with `down`: does not ask')
    .note('`up` is safe to run twice, and in many processes at once. `down` takes one step back, and asks first.')
    .example('verrou migrate', 'creates the table, or brings it up to date')
    .example('verrou migrate status', 'tells what is applied')
    .example('verrou migrate up --print --dialect postgres', 'prints the SQL for Postgres')
    .action((direction: Direction, options: MigrateOptions) => migrate(direction, options))
}

async function migrate(direction: Direction, options: MigrateOptions): Promise<void> {
  if (options.print) return printSql(direction, options)
  if (options.dialect !== undefined)
    throw new CliError('USAGE', '--dialect goes with --print: a database knows its own')
  await using connection = await connect({ ...options, isMigrating: true })
  const steps = { up: goUp, down: goDown, status: tellStatus }
  await steps[direction](connection, options)
}

function printSql(direction: Direction, options: MigrateOptions): void {
  if (direction === 'status') throw new CliError('USAGE', '--print prints what `up` or `down` does; leave out `status`')
  const statements = schemaStatements(options.dialect ?? dialectOf(options), tableOptionsOf(options), direction)
  if (options.json) printJson({ statements: statements.map((sql) => sql.trim()) })
  else openScreen().print(statements.map((sql) => `${sql.trim()};`).join('\n\n'))
}

/** As the URL says, without a look at the database. */
function dialectOf({ url = process.env.DATABASE_URL }: MigrateOptions): DialectName {
  if (url) return databaseAddress(url === process.env.DATABASE_URL ? 'DATABASE_URL' : '--url', url).kind
  throw new CliError('USAGE', `--print needs to know the database: add --dialect ${DIALECTS.join('|')}`)
}

async function goUp({ db, tableOptions, url }: Connection, { json }: MigrateOptions): Promise<void> {
  const migrator = await lockMigrator(db, tableOptions)
  const results = await migrateInTurn(() => migrator.migrateToLatest())
  const applied = results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName)
  if (json) return printJson({ direction: 'up', migrations: applied })
  openScreen().print(applied.length === 0 ? `up to date: ${url}` : `applied ${applied.join(', ')} to ${url}`)
}

async function goDown({ db, tableOptions, url }: Connection, { json, yes }: MigrateOptions): Promise<void> {
  const migrator = await lockMigrator(db, tableOptions)
  const last = (await migrator.getMigrations()).findLast(({ executedAt }) => executedAt)
  if (last) await confirm(`Undo ${last.name} on ${url}? What is in the table is lost.`, yes)
  const results = last ? await migrateInTurn(() => migrator.migrateDown()) : []
  const undone = results.filter(({ status }) => status === 'Success').map(({ migrationName }) => migrationName)
  if (json) return printJson({ direction: 'down', migrations: undone })
  openScreen().print(undone.length === 0 ? `nothing to undo: ${url}` : `undid ${undone.join(', ')} on ${url}`)
}

async function tellStatus({ db, tableOptions }: Connection, { json }: MigrateOptions): Promise<void> {
  const migrations = await (await lockMigrator(db, tableOptions)).getMigrations()
  const states = migrations.map(({ name, executedAt }) => ({ name, appliedAt: executedAt ?? null }))
  if (json) return printJson({ migrations: states })
  const screen = openScreen()
  const { green, yellow } = screen.colors
  const rows = states.map(({ name, appliedAt }) => [
    name,
    appliedAt ? green(`applied ${appliedAt.toISOString()}`) : yellow('pending'),
  ])
  screen.print(table({ head: ['MIGRATION', 'STATE'], rows }, screen))
}
