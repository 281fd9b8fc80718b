import { join } from 'node:path'
import { CARELESS_OPTIONS, type MysqlFamilyPrograms } from './mysql-family.ts'
import type { OsUser } from './os-user.ts'
import { readableCopy } from './readable-copy.ts'
import { unpackedCommand, unpackedDebian } from './unpacked-debian.ts'

const PROGRAM = 'usr/sbin/mysqld'

/** MySQL of Debian's unstable suite: the stable ones have MariaDB only. */
export async function unpackedMysql(folder: string, user: OsUser | undefined): Promise<MysqlFamilyPrograms> {
  const { folder: original, source } = await unpackedDebian({
    suite: 'sid',
    packageName: 'mysql-server-core',
    runFolder: folder,
  })
  const mysqld = command(await readableCopy({ original, program: PROGRAM, folder, user }))
  return {
    server: mysqld,
    initialize: (dataFolder) => [...mysqld, '--initialize-insecure', `--datadir=${dataFolder}`, ...CARELESS_OPTIONS],
    source,
  }
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
