import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Dialect, Kysely, MysqlDialect, PostgresDialect, SqliteDialect } from 'kysely'
import { kyselyStore } from '../../drivers/kysely.ts'
import { CliError } from '../cli-error.ts'
import type { OpenDatabase } from './connection.ts'

const FILES = ['ts', 'mts', 'js', 'mjs', 'cts', 'cjs'].flatMap((ending) => [
  `kysely.config.${ending}`,
  `.config/kysely.config.${ending}`,
])

/** What kysely-ctl reads of its file: https://github.com/kysely-org/kysely-ctl#configuration */
interface KyselyConfig {
  readonly kysely?: MaybeMade<Kysely<unknown>>
  readonly dialect?: MaybeMade<Dialect | string>
  readonly dialectConfig?: MaybeMade<unknown>
}

type MaybeMade<Value> = Value | (() => Value | Promise<Value>)

/** The dialects that Kysely brings along, by the names of kysely-ctl. */
// biome-ignore lint/suspicious/noExplicitAny: the user's settings, as Kysely takes them
const NAMED: Readonly<Record<string, new (config: any) => Dialect>> = {
  pg: PostgresDialect,
  mysql2: MysqlDialect,
  'better-sqlite3': SqliteDialect,
}

/** The path of the `kysely.config` of this folder; `undefined`: there is none. */
export function findKyselyConfig(): string | undefined {
  return FILES.find((file) => existsSync(file))
}

/**
 * The database of a `kysely.config` file, as kysely-ctl would use it. Waiters poll: Kysely does not show its pool.
 *
 * @throws CliError `CONFIG`
 */
export async function openKyselyConfig(file: string): Promise<OpenDatabase> {
  const config = await loadConfig(file)
  const db = await kyselyOf(config, file)
  return {
    db,
    dialect: undefined,
    url: file,
    lockStore: (table) => kyselyStore({ connection: db, ...table }),
    close: () => db.destroy(),
  }
}

async function loadConfig(file: string): Promise<KyselyConfig> {
  if (/ts$/.test(file) && process.features.typescript === false) {
    const advice = 'use Node.js 22.18 or newer, or set DATABASE_URL'
    throw new CliError('CONFIG', `${file}: Node.js ${process.versions.node} does not load TypeScript: ${advice}`)
  }
  try {
    const { default: config } = (await import(pathToFileURL(resolve(file)).href)) as { default: unknown }
    if (typeof config === 'object' && config !== null) return config
  } catch (cause) {
    throw new CliError('CONFIG', `${file} cannot be loaded: ${(cause as Error).message}`, { cause })
  }
  throw new CliError('CONFIG', `${file} has no default export with the settings: export default defineConfig({ … })`)
}

async function kyselyOf(config: KyselyConfig, file: string): Promise<Kysely<unknown>> {
  try {
    const kysely = await made(config.kysely)
    if (kysely) return kysely.withoutPlugins()
    const dialect = await made(config.dialect)
    if (typeof dialect === 'object') return new Kysely<unknown>({ dialect })
    if (typeof dialect === 'string' && NAMED[dialect]) {
      return new Kysely<unknown>({ dialect: new NAMED[dialect](await made(config.dialectConfig)) })
    }
  } catch (cause) {
    throw new CliError('CONFIG', `${file} failed: ${(cause as Error).message}`, { cause })
  }
  const known = Object.keys(NAMED).join(', ')
  throw new CliError('CONFIG', `${file} must have \`kysely\`, or \`dialect\`: a dialect of Kysely, or one of ${known}`)
}

function made<Value>(given: MaybeMade<Value> | undefined): Promise<Value> | Value | undefined {
  return typeof given === 'function' ? (given as () => Value | Promise<Value>)() : given
}
