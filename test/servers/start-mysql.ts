import { join } from 'node:path'
import { runGuardedStep } from './guarded-process.ts'
import { CARELESS_OPTIONS, startMysqlFamily } from './mysql-family.ts'
import { serverUser } from './os-user.ts'
import { readableCopy } from './readable-copy.ts'
import { createRunFolder } from './run-folder.ts'
import type { StartedServer } from './started-server.ts'
import { unpackedCommand, unpackedDebian } from './unpacked-debian.ts'

const PROGRAM = 'usr/sbin/mysqld'

/** Starts MySQL from Debian's unstable suite: the stable ones have MariaDB only. */
export async function startMysql(): Promise<StartedServer> {
  const user = serverUser('mysql')
  const folder = await createRunFolder('mysql', user)
  const { folder: original, source } = await unpackedDebian({
    suite: 'sid',
    packageName: 'mysql-server-core',
    runFolder: folder,
  })
  const mysqld = command(await readableCopy({ original, program: PROGRAM, folder, user }))

  const initialize = [...mysqld, '--initialize-insecure', `--datadir=${join(folder, 'data')}`, ...CARELESS_OPTIONS]
  await runGuardedStep({ command: initialize, folder, user })

  const serve = [...mysqld, '--mysqlx=0', '--log-error-verbosity=1']
  return { ...(await startMysqlFamily({ command: serve, folder, user })), source }
}

function command(unpacked: string): string[] {
  return [
    ...unpackedCommand(unpacked, PROGRAM),
    '--no-defaults',
    `--basedir=${join(unpacked, 'usr')}`,
    `--plugin-dir=${join(unpacked, 'usr/lib/mysql/plugin')}`,
    `--lc-messages-dir=${join(unpacked, 'usr/share/mysql')}`,
    `--character-sets-dir=${join(unpacked, 'usr/share/mysql/charsets')}`,
    '--secure-file-priv=NULL',
  ]
}
