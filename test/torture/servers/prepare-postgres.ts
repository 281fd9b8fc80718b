import { runGuardedStep } from '../../servers/guarded-process.ts'
import { serverUser } from '../../servers/os-user.ts'
import { postgresPrograms } from '../../servers/postgres-programs.ts'
import { lastingPort } from './lasting-port.ts'
import { RestartableServer } from './restartable-server.ts'
import { SupervisedServer } from './supervised-server.ts'

export type PostgresSettings = Readonly<Record<string, string>>

/**
 * What a server must keep when its process is killed, and may lose when the machine dies. A kill can tear a page in the middle
 * (the kernel copies 4 of the 8 kB, and stops), hence no `full_page_writes=off`.
 */
const SETTINGS: PostgresSettings = {
  listen_addresses: '127.0.0.1',
  unix_socket_directories: '',
  max_connections: '150',
  fsync: 'off',
  shared_buffers: '32MB',
  log_min_messages: 'fatal',
}

const CREATE_DATABASE = `echo 'create database verrou_test' | "$@"`

const COPY_DATA = `cp -R "$1" "$2" && touch "$2/standby.signal"`

/** A Postgres of the npm package of that name, with an empty database, that has not been started yet. */
export async function preparePostgres(
  packageName: string,
  settings: PostgresSettings = {},
): Promise<RestartableServer> {
  const process = await SupervisedServer.create(packageName, serverUser('postgres'), 'QUIT')
  const { folder, user } = process
  try {
    const programs = await postgresPrograms(packageName, folder, user)
    await runGuardedStep({ command: programs.initialize(process.dataFolder), folder, user })
    // Without a network, and without a start and a stop: https://www.postgresql.org/docs/current/app-postgres.html
    const alone = [...programs.postgres, '--single', '-D', process.dataFolder, '-F', 'postgres']
    await runGuardedStep({ command: ['/bin/sh', '-c', CREATE_DATABASE, 'create', ...alone], folder, user })
    return await postgresOn(process, programs.postgres, settings)
  } catch (error) {
    await process.stop()
    throw error
  }
}

/**
 * A standby, not started yet, of a server that has not been started either: so a copy of its folder is a base backup (the npm
 * packages have no pg_basebackup).
 */
export async function prepareStandby(packageName: string, primary: RestartableServer, settings: PostgresSettings) {
  const process = await SupervisedServer.create(`${packageName}-standby`, serverUser('postgres'), 'QUIT')
  const { folder, user, dataFolder } = process
  try {
    const programs = await postgresPrograms(packageName, folder, user)
    const copy = ['/bin/sh', '-c', COPY_DATA, 'copy', primary.process.dataFolder, dataFolder]
    await runGuardedStep({ command: copy, folder, user })
    return await postgresOn(process, programs.postgres, settings)
  } catch (error) {
    await process.stop()
    throw error
  }
}

async function postgresOn(
  process: SupervisedServer,
  program: readonly string[],
  settings: PostgresSettings,
): Promise<RestartableServer> {
  const port = await lastingPort()
  const options = Object.entries({ ...SETTINGS, ...settings }).flatMap(([name, value]) => ['-c', `${name}=${value}`])
  return new RestartableServer({
    process,
    url: `postgres://postgres@127.0.0.1:${port}/verrou_test`,
    command: [...program, '-D', process.dataFolder, '-p', String(port), ...options],
  })
}
