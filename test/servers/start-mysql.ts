import { join } from 'node:path'
import { runGuardedStep } from './guarded-process.ts'
import { startMysqlFamily } from './mysql-family.ts'
import { unpackedMysql } from './mysql-programs.ts'
import { serverUser } from './os-user.ts'
import { createRunFolder } from './run-folder.ts'
import type { StartedServer } from './started-server.ts'

/** Starts MySQL from Debian's unstable suite. Of two options with one name, that of `options` counts. */
export async function startMysql(options: readonly string[] = []): Promise<StartedServer> {
  const user = serverUser('mysql')
  const folder = await createRunFolder('mysql', user)
  const programs = await unpackedMysql(folder, user)
  await runGuardedStep({ command: programs.initialize(join(folder, 'data')), folder, user })

  const serve = [...programs.server, '--mysqlx=0', '--log-error-verbosity=1']
  return { ...(await startMysqlFamily({ command: serve, folder, user, options })), source: programs.source }
}
