import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { Client } from 'pg'
import { freePort } from './free-port.ts'
import { runGuardedStep, startGuardedServer } from './guarded-process.ts'
import { serverUser } from './os-user.ts'
import { postgresPrograms } from './postgres-programs.ts'
import { createRunFolder } from './run-folder.ts'
import type { StartedServer } from './started-server.ts'
import { untilReady } from './until-ready.ts'

/** Starts Postgres from the npm package of that name (`postgres-14`, `postgres-18`). What is in `wanted` goes before the settings of the tests. */
export async function startPostgres(
  packageName: string,
  wanted: Readonly<Record<string, string>> = {},
): Promise<StartedServer> {
  const user = serverUser('postgres')
  const folder = await createRunFolder(packageName, user)
  const programs = await postgresPrograms(packageName, folder, user)
  const dataFolder = join(folder, 'data')
  await runGuardedStep({ command: programs.initialize(dataFolder), folder, user })

  const port = await freePort()
  const serve = [...programs.postgres, '-D', dataFolder, '-p', String(port), ...settings(programs.folder, wanted)]
  const server = startGuardedServer({ command: serve, folder, user, stopSignal: 'QUIT' })

  const url = `postgres://postgres@127.0.0.1:${port}`
  const version = await untilReady(`${url}/postgres`, server)
  await createDatabase(`${url}/postgres`)
  return { url: `${url}/verrou_test`, version, source: `npm package ${packageName}`, stop: server.stop }
}

function settings(programs: string, wanted: Readonly<Record<string, string>>): string[] {
  const all: Record<string, string> = {
    listen_addresses: '127.0.0.1',
    unix_socket_directories: '',
    max_connections: '300',
    // Losing data when the machine dies is no concern of a test run.
    fsync: 'off',
    full_page_writes: 'off',
    // Tests provoke errors by the thousand; only a server that cannot go on is worth a line.
    log_min_messages: 'fatal',
  }
  // Lets tests count the statements that a call really sends.
  if (existsSync(join(programs, 'lib/postgresql/pg_stat_statements.so')))
    all.shared_preload_libraries = 'pg_stat_statements'
  return Object.entries({ ...all, ...wanted }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
}

/** The database of the tests, on a server that is new. */
export async function createDatabase(url: string): Promise<void> {
  const client = new Client({ connectionString: url })
  await client.connect()
  try {
    await client.query('create database verrou_test')
  } finally {
    await client.end()
  }
}
