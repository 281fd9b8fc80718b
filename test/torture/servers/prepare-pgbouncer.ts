import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { serverUser } from '../../servers/os-user.ts'
import { type PgbouncerSettings, pgbouncerConfiguration, pgbouncerProgram } from '../../servers/pgbouncer-program.ts'
import { lastingPort } from './lasting-port.ts'
import { RestartableServer } from './restartable-server.ts'
import { SupervisedServer } from './supervised-server.ts'

/** A PgBouncer that has not been started yet. */
export async function preparePgbouncer(settings: Omit<PgbouncerSettings, 'port'>): Promise<RestartableServer> {
  const process = await SupervisedServer.create('pgbouncer', serverUser('postgres'), 'KILL')
  try {
    const { command } = await pgbouncerProgram(process.folder, process.user)
    const port = await lastingPort()
    const configuration = join(process.folder, 'pgbouncer.ini')
    await writeFile(configuration, pgbouncerConfiguration({ ...settings, port }), { mode: 0o644 })
    const url = new URL(settings.postgresUrl)
    url.host = `127.0.0.1:${port}`
    return new RestartableServer({ process, url: url.href, command: [...command, configuration] })
  } catch (error) {
    await process.stop()
    throw error
  }
}
