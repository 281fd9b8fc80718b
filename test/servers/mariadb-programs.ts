import { existsSync } from 'node:fs'
import { delimiter, dirname, join } from 'node:path'
import type { MysqlFamilyPrograms } from './mysql-family.ts'
import type { OsUser } from './os-user.ts'
import { readableCopy } from './readable-copy.ts'
import { unpackedCommand, unpackedDebian } from './unpacked-debian.ts'

/** The machine's own MariaDB, if it has one. */
export function installedMariadb(): MysqlFamilyPrograms | undefined {
  const mariadbd = findProgram('mariadbd')
  const installDb = findProgram('mariadb-install-db')
  if (!mariadbd || !installDb) return undefined

  const options = ['--no-defaults', '--auth-root-authentication-method=normal', '--skip-test-db']
  return {
    server: [mariadbd, '--no-defaults'],
    initialize: (dataFolder) => aside(dataFolder, [installDb, ...options, `--datadir=${dataFolder}`]),
    source: 'installed mariadbd',
  }
}

/**
 * MariaDB of Debian 12, unpacked and not installed: a test run should leave no package and no service behind,
 * and this way it does not have to be root's.
 */
export async function unpackedMariadb(folder: string, user: OsUser | undefined): Promise<MysqlFamilyPrograms> {
  const { folder: original, source } = await unpackedDebian({
    suite: 'bookworm',
    packageName: 'mariadb-server-core',
    runFolder: folder,
  })
  const unpacked = await readableCopy({ original, program: 'usr/sbin/mariadbd', folder, user })
  const share = join(unpacked, 'usr/share/mysql')
  const options = [
    '--no-defaults',
    `--basedir=${join(unpacked, 'usr')}`,
    `--lc-messages-dir=${share}`,
    `--character-sets-dir=${share}/charsets`,
  ]
  const mariadbd = [...unpackedCommand(unpacked, 'usr/sbin/mariadbd'), ...options]
  return {
    server: mariadbd,
    initialize: (dataFolder) => aside(dataFolder, bootstrap(mariadbd, share, dataFolder)),
    source,
  }
}

/** Not in /tmp: a server that starts removes the temporary tables that it finds in its folder for them, also those of another one. */
function aside(dataFolder: string, command: string[]): string[] {
  return ['env', `TMPDIR=${dirname(dataFolder)}`, ...command]
}

/** What mariadb-install-db does, which cannot be told to start the server through a loader. */
function bootstrap(mariadbd: string[], share: string, dataFolder: string): string[] {
  const script = `mkdir "$1" && cd "$2" && shift 2 && {
    printf '%s;\\n' 'create database mysql' 'use mysql' 'set @auth_root_socket = null'
    cat mysql_system_tables.sql mysql_performance_tables.sql mysql_system_tables_data.sql fill_help_tables.sql \\
      maria_add_gis_sp_bootstrap.sql mysql_sys_schema.sql
  } | "$@"`
  const options = [
    '--bootstrap',
    `--datadir=${dataFolder}`,
    '--log-warnings=0',
    '--enforce-storage-engine=',
    '--max-allowed-packet=8M',
  ]
  return ['/bin/sh', '-c', script, 'bootstrap', dataFolder, share, ...mariadbd, ...options]
}

function findProgram(name: string): string | undefined {
  // Debian keeps servers in /usr/sbin, which is not on everybody's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}
