import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runGuardedStep } from '../../servers/guarded-process.ts'
import { installedMariadb, unpackedMariadb } from '../../servers/mariadb-programs.ts'
import { INIT_SQL, type MysqlFamilyPrograms, placeOptions } from '../../servers/mysql-family.ts'
import { unpackedMysql } from '../../servers/mysql-programs.ts'
import { type OsUser, serverUser } from '../../servers/os-user.ts'
import { lastingPort } from './lasting-port.ts'
import { RestartableServer } from './restartable-server.ts'
import { SupervisedServer } from './supervised-server.ts'

/**
 * What a server must keep when its process is killed, and may lose when the machine dies: 2 writes at every commit, and flushes
 * every second. (0 would lose the last second's commits with the process.) A kill can tear a page, hence the doublewrite buffer.
 */
export const LASTING_OPTIONS = [
  '--innodb-flush-log-at-trx-commit=2',
  '--max-connections=150',
  '--innodb-buffer-pool-size=64M',
]

/** A MySQL with an empty database that has not been started yet. */
export function prepareMysql(): Promise<RestartableServer> {
  return prepare('mysql', unpackedMysql, ['--mysqlx=0', '--log-error-verbosity=1', '--skip-log-bin'])
}

/** A MariaDB, likewise. */
export function prepareMariadb(): Promise<RestartableServer> {
  const programs = async (folder: string, user: OsUser | undefined) =>
    installedMariadb() ?? (await unpackedMariadb(folder, user))
  return prepare('mariadb', programs, ['--log-warnings=0', '--skip-log-bin'])
}

async function prepare(
  name: string,
  programsOf: (folder: string, user: OsUser | undefined) => Promise<MysqlFamilyPrograms>,
  options: readonly string[],
): Promise<RestartableServer> {
  const process = await SupervisedServer.create(name, serverUser('mysql'), 'KILL')
  const { folder, user, dataFolder } = process
  try {
    const programs = await programsOf(folder, user)
    await runGuardedStep({ command: programs.initialize(dataFolder), folder, user })
    const initFile = join(folder, 'init.sql')
    await writeFile(initFile, INIT_SQL, { mode: 0o644 })
    return await mysqlOn(process, programs.server, [...options, `--init-file=${initFile}`])
  } catch (error) {
    await process.stop()
    throw error
  }
}

/** A server of the family on data that are there. */
export async function mysqlOn(
  process: SupervisedServer,
  program: readonly string[],
  options: readonly string[],
): Promise<RestartableServer> {
  const port = await lastingPort()
  return new RestartableServer({
    process,
    url: `mysql://verrou:verrou@127.0.0.1:${port}/verrou_test`,
    command: [...program, ...placeOptions(process.folder, port), ...LASTING_OPTIONS, ...options],
  })
}
