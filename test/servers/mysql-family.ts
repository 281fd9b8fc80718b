import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { freePort } from './free-port.ts'
import { startGuarded } from './guarded-process.ts'
import type { OsUser } from './os-user.ts'
import { untilReady } from './until-ready.ts'

/**
 * Both servers run this before they accept a connection, so a server that answers has its database.
 * Not the user root: MariaDB has a root@127.0.0.1 without password, which would win over root@%.
 */
const INIT_SQL = `create database verrou_test;
create user 'verrou'@'%' identified by 'verrou';
grant all on *.* to 'verrou'@'%' with grant option;
`

interface MysqlFamilyServer {
  /** The server program and the arguments that only this server needs. */
  command: readonly string[]
  runFolder: string
  user: OsUser | undefined
}

/** What starting MySQL and MariaDB has in common, once the data folder `data` is there. */
export async function startMysqlFamily({ command, runFolder, user }: MysqlFamilyServer) {
  const port = await freePort()
  const initFile = join(runFolder, 'init.sql')
  await writeFile(initFile, INIT_SQL, { mode: 0o644 })

  const server = startGuarded({
    command: [...command, ...settings(runFolder, port), `--init-file=${initFile}`],
    folder: runFolder,
    // A polite shutdown takes a second or more, for data that is thrown away.
    stopSignal: 'KILL',
    user,
  })
  const url = `mysql://verrou:verrou@127.0.0.1:${port}/verrou_test`
  return { url, version: await untilReady(url, server), stop: server.stop }
}

function settings(runFolder: string, port: number): string[] {
  return [
    `--datadir=${join(runFolder, 'data')}`,
    `--tmpdir=${runFolder}`,
    `--socket=${join(runFolder, 'socket')}`,
    `--pid-file=${join(runFolder, 'pid')}`,
    `--port=${port}`,
    '--bind-address=127.0.0.1',
    // 127.0.0.1 stays an address: as the name localhost it would match other accounts.
    '--skip-name-resolve',
    '--max-connections=300',
    '--innodb-buffer-pool-size=64M',
    // Losing data when the machine dies is no concern of a test run.
    '--innodb-flush-log-at-trx-commit=0',
    '--skip-log-bin',
    '--performance-schema=ON',
  ]
}
