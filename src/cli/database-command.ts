import { resolveTable, type TableOptions } from '../options.ts'
import { CliError } from './cli-error.ts'
import { DocumentedCommand } from './documented-command.ts'

/** The options of every command that speaks to a database. */
export interface DatabaseOptions {
  readonly url?: string
  readonly table?: string
  readonly schema?: string
  /** For machines. */
  readonly json?: boolean
}

/** A command that speaks to a database: with the options that say to which, and `--json`. */
export function databaseCommand(name: string): DocumentedCommand {
  return withDatabaseOptions(new DocumentedCommand(name))
}

/** Adds them. */
export function withDatabaseOptions(command: DocumentedCommand): DocumentedCommand {
  return command
    .option(
      '--url <url>',
      'the database: postgres://…, mysql://…, mariadb://…, or the path of an SQLite file (default: DATABASE_URL, else kysely.config.ts, else ./verrou.db)',
    )
    .option('--table <name>', 'the table of the locks (default: verrou_locks)')
    .option('--schema <name>', 'the schema of that table (Postgres), or its database (MySQL, MariaDB)')
    .option('--json', 'prints JSON, for machines; also of failures')
}

/** The table that the options name. @throws CliError for one that cannot have that name */
export function tableOptionsOf({ table, schema }: DatabaseOptions): TableOptions {
  const options = { ...(table !== undefined && { tableName: table }), ...(schema !== undefined && { schema }) }
  try {
    resolveTable(options)
  } catch (cause) {
    const { message } = cause as Error
    throw new CliError('USAGE', message.replace('`tableName`', '--table').replaceAll('`schema`', '--schema'), { cause })
  }
  return options
}
