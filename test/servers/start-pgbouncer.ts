import { existsSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { freePort } from './free-port.ts'
import { startGuardedServer } from './guarded-process.ts'
import { type OsUser, serverUser } from './os-user.ts'
import { readableCopy } from './readable-copy.ts'
import { createRunFolder } from './run-folder.ts'
import type { StartedServer } from './started-server.ts'
import { unpackedCommand, unpackedDebian } from './unpacked-debian.ts'
import { untilReady } from './until-ready.ts'

const PROGRAM = 'usr/sbin/pgbouncer'

/** The machine's own PgBouncer, else that of Debian 12 (1.18), in front of the Postgres of the URL. */
export async function startPgbouncer(postgresUrl: string, poolMode: 'session' | 'transaction'): Promise<StartedServer> {
  const user = serverUser('postgres')
  const folder = await createRunFolder('pgbouncer', user)
  const { command, source } = installedPgbouncer() ?? (await unpackedPgbouncer(folder, user))

  const port = await freePort()
  const configuration = join(folder, 'pgbouncer.ini')
  await writeFile(configuration, configurationOf(postgresUrl, poolMode, port), { mode: 0o644 })
  const server = startGuardedServer({ command: [...command, configuration], folder, user })

  const url = new URL(postgresUrl)
  url.host = `127.0.0.1:${port}`
  return { url: url.href, version: await untilReady(url.href, server), source, stop: server.stop }
}

interface Program {
  command: string[]
  source: string
}

function installedPgbouncer(): Program | undefined {
  // Debian keeps servers in /usr/sbin, which is not on everybody's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const path = folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path))
  return path === undefined ? undefined : { command: [path], source: 'installed pgbouncer' }
}

/** Downloaded, not installed, like the other servers. */
async function unpackedPgbouncer(folder: string, user: OsUser | undefined): Promise<Program> {
  const { folder: original, source } = await unpackedDebian({
    suite: 'bookworm',
    packageName: 'pgbouncer',
    runFolder: folder,
  })
  const unpacked = await readableCopy({ original, program: PROGRAM, folder, user })
  return { command: unpackedCommand(unpacked, PROGRAM), source }
}

/** Whoever comes is let in as the user of the URL: it listens on this machine only. */
function configurationOf(postgresUrl: string, poolMode: string, port: number): string {
  const { hostname, port: serverPort, username, password } = new URL(postgresUrl)
  const credentials = [
    `user=${decodeURIComponent(username)}`,
    ...(password ? [`password=${decodeURIComponent(password)}`] : []),
  ]
  return `[databases]
* = host=${hostname} port=${serverPort || 5432} ${credentials.join(' ')}
[pgbouncer]
listen_addr = 127.0.0.1
listen_port = ${port}
unix_socket_dir =
auth_type = any
pool_mode = ${poolMode}
default_pool_size = 5
ignore_startup_parameters = extra_float_digits
`
}
