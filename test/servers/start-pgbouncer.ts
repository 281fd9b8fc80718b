import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { startGuardedServer } from './guarded-process.ts'
import { type OsUser, serverUser } from './os-user.ts'
import { pgbouncerConfiguration, pgbouncerProgram } from './pgbouncer-program.ts'
import { readableCopy } from './readable-copy.ts'
import { createRunFolder } from './run-folder.ts'
import type { StartedServer } from './started-server.ts'
import { unpackedCommand, unpackedDebian } from './unpacked-debian.ts'
import { untilReady } from './until-ready.ts'

export interface PgbouncerWishes {
  /** The Debian release that it must be of: 1.18 of Debian 12, 1.24 of Debian 13. Left out: the machine's own, else 1.18. */
  suite?: 'bookworm' | 'trixie'
  /** Lines of `[pgbouncer]`: https://www.pgbouncer.org/config.html */
  settings?: Readonly<Record<string, string | number>>
}

const PROGRAM = 'usr/sbin/pgbouncer'

/** A PgBouncer with a small pool in front of the Postgres of the URL. */
export async function startPgbouncer(
  postgresUrl: string,
  poolMode: 'session' | 'transaction',
  { suite, settings = {} }: PgbouncerWishes = {},
): Promise<StartedServer> {
  const user = serverUser('postgres')
  const folder = await createRunFolder('pgbouncer', user)
  const { command, source } = await (suite ? pgbouncerOf(suite, folder, user) : pgbouncerProgram(folder, user))

  const port = await freePort()
  const configuration = join(folder, 'pgbouncer.ini')
  const common = pgbouncerConfiguration({ postgresUrl, poolMode, poolSize: 5, port })
  // Of two lines with one name, the later one counts.
  const own = Object.entries(settings).map(([name, value]) => `${name} = ${value}\n`)
  await writeFile(configuration, common + own.join(''), { mode: 0o644 })
  const server = startGuardedServer({ command: [...command, configuration], folder, user })

  const url = new URL(postgresUrl)
  url.host = `127.0.0.1:${port}`
  return { url: url.href, version: await untilReady(url.href, server), source, stop: server.stop }
}

async function pgbouncerOf(suite: string, folder: string, user: OsUser | undefined) {
  const { folder: original, source } = await unpackedDebian({ suite, packageName: 'pgbouncer', runFolder: folder })
  const unpacked = await readableCopy({ original, program: PROGRAM, folder, user })
  return { command: unpackedCommand(unpacked, PROGRAM), source }
}
