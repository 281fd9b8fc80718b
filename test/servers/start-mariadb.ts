import { join } from 'node:path'
import { runGuardedStep } from './guarded-process.ts'
import { installedMariadb, unpackedMariadb } from './mariadb-programs.ts'
import { startMysqlFamily } from './mysql-family.ts'
import { serverUser } from './os-user.ts'
import { createRunFolder } from './run-folder.ts'
import type { StartedServer } from './started-server.ts'

/** Starts the machine's own MariaDB, else that of Debian 12. Of two options with one name, that of `options` counts. */
export async function startMariadb(options: readonly string[] = []): Promise<StartedServer> {
  const user = serverUser('mysql')
  const folder = await createRunFolder('mariadb', user)
  const programs = installedMariadb() ?? (await unpackedMariadb(folder, user))
  await runGuardedStep({ command: programs.initialize(join(folder, 'data')), folder, user })

  // Log warnings would be one line for every connection that a test tears.
  const serve = [...programs.server, '--log-warnings=0']
  return { ...(await startMysqlFamily({ command: serve, folder, user, options })), source: programs.source }
}
