import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import type { OsUser } from './os-user.ts'
import { readableCopy } from './readable-copy.ts'
import { unpackedCommand, unpackedDebian } from './unpacked-debian.ts'

const PROGRAM = 'usr/sbin/pgbouncer'

export interface PgbouncerProgram {
  command: string[]
  source: string
}

export interface PgbouncerSettings {
  postgresUrl: string
  poolMode: 'session' | 'transaction'
  /** Of connections to the server. */
  poolSize: number
  port: number
}

/** The machine's own PgBouncer, else that of Debian 12 (1.18): downloaded, not installed, like the other servers. */
export async function pgbouncerProgram(folder: string, user: OsUser | undefined): Promise<PgbouncerProgram> {
  return installedPgbouncer() ?? (await unpackedPgbouncer(folder, user))
}

function installedPgbouncer(): PgbouncerProgram | undefined {
  // Debian keeps servers in /usr/sbin, which is not on everybody's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  const path = folders.map((folder) => join(folder, 'pgbouncer')).find((path) => existsSync(path))
  return path === undefined ? undefined : { command: [path], source: 'installed pgbouncer' }
}

async function unpackedPgbouncer(folder: string, user: OsUser | undefined): Promise<PgbouncerProgram> {
  const { folder: original, source } = await unpackedDebian({
    suite: 'bookworm',
    packageName: 'pgbouncer',
    runFolder: folder,
  })
  const unpacked = await readableCopy({ original, program: PROGRAM, folder, user })
  return { command: unpackedCommand(unpacked, PROGRAM), source }
}

/** Whoever comes is let in as the user of the URL: it listens on this machine only. */
export function pgbouncerConfiguration({ postgresUrl, poolMode, poolSize, port }: PgbouncerSettings): string {
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
default_pool_size = ${poolSize}
max_client_conn = 300
; After a server could not be reached: 15 seconds is the default.
server_login_retry = 0.2
ignore_startup_parameters = extra_float_digits
`
}
