import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { startGuardedServer } from './guarded-process.ts'
import type { OsUser } from './os-user.ts'
import { untilReady } from './until-ready.ts'

/**
 * Run at every start before the server accepts a connection, so a server that answers has its database.
 * Not the user root: MariaDB has a root@127.0.0.1 without password, which would win over root@%.
 */
export const INIT_SQL = `create database if not exists verrou_test;
create user if not exists 'verrou'@'%' identified by 'verrou';
grant all on *.* to 'verrou'@'%' with grant option;
`

/** Losing data when the machine dies is no concern of a test run. */
export const CARELESS_OPTIONS = ['--innodb-flush-log-at-trx-commit=0', '--innodb-doublewrite=OFF', '--skip-log-bin']

/** The programs of one database of the family, with what each run of them needs. */
export interface MysqlFamilyPrograms {
  server: string[]
  /** The command that fills an empty data folder. */
  initialize: (dataFolder: string) => string[]
  /** For the line printed before the tests. */
  source: string
}

interface MysqlFamilyServer {
  /** The server program with the options that only this server needs. */
  command: readonly string[]
  /** The run's folder; its subfolder `data` is ready. */
  folder: string
  user: OsUser | undefined
  /** Go before those of the tests. */
  options?: readonly string[]
}

/** What starting MySQL and starting MariaDB have in common. */
export async function startMysqlFamily({ command, folder, user, options = [] }: MysqlFamilyServer) {
  const port = await freePort()
  const initFile = join(folder, 'init.sql')
  await writeFile(initFile, INIT_SQL, { mode: 0o644 })

  const serve = [...command, ...CARELESS_OPTIONS, ...placeOptions(folder, port), `--init-file=${initFile}`]
  serve.push('--max-connections=300', '--innodb-buffer-pool-size=64M', '--performance-schema=ON', ...options)
  const server = startGuardedServer({ command: serve, folder, user })

  const url = `mysql://verrou:verrou@127.0.0.1:${port}/verrou_test`
  return { url, version: await untilReady(url, server), stop: server.stop }
}

/** Where a server keeps its things, and listens. */
export function placeOptions(folder: string, port: number): string[] {
  return [
    `--datadir=${join(folder, 'data')}`,
    `--tmpdir=${folder}`,
    `--socket=${join(folder, 'socket')}`,
    `--pid-file=${join(folder, 'pid')}`,
    '--bind-address=127.0.0.1',
    `--port=${port}`,
    // 127.0.0.1 stays an address: as the name localhost it would match other accounts.
    '--skip-name-resolve',
  ]
}
