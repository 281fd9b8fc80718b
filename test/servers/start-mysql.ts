import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { promisify } from 'node:util'
import { startMysqlFamily } from './mysql-family.ts'
import { serverUser } from './os-user.ts'
import { readableCopy } from './readable-copy.ts'
import { createRunFolder } from './run-folder.ts'
import type { StartedServer } from './started-server.ts'

const run = promisify(execFile)

const UNPACKED_FOLDER = fileURLToPath(new URL('../../.cache/debian-sid-mysql', import.meta.url))
const UNPACK_SCRIPT = fileURLToPath(new URL('debian-root.sh', import.meta.url))

/** Debian's stable releases carry MariaDB only; its unstable suite has MySQL 9. */
export async function startMysql(): Promise<StartedServer> {
  const wasUnpacked = existsSync(UNPACKED_FOLDER)
  if (!wasUnpacked) await run('bash', [UNPACK_SCRIPT, 'sid', UNPACKED_FOLDER, 'mysql-server-core'])

  const user = serverUser('mysql')
  const runFolder = await createRunFolder('mysql', user)
  try {
    const command = mysqld(await readableCopy(UNPACKED_FOLDER, 'usr/sbin/mysqld', runFolder, user))
    const [loader, ...options] = [...command, '--initialize-insecure', `--datadir=${join(runFolder, 'data')}`]
    await run(loader as string, options, { ...user, cwd: runFolder })
    const server = await startMysqlFamily({ command: [...command, '--mysqlx=0', '--secure-file-priv=NULL', '--log-error-verbosity=1'], runFolder, user })
    return { ...server, source: `Debian sid, unpacked ${wasUnpacked ? 'earlier' : 'now'}` }
  } catch (error) {
    await rm(runFolder, { recursive: true, force: true })
    throw error
  }
}

/**
 * Through the unpacked folder's own loader: the programs need its C library, and this way neither chroot nor root is needed.
 * https://man7.org/linux/man-pages/man8/ld.so.8.html (--library-path)
 */
function mysqld(folder: string): string[] {
  return [
    join(folder, 'lib64/ld-linux-x86-64.so.2'),
    '--library-path',
    join(folder, 'usr/lib/x86_64-linux-gnu'),
    join(folder, 'usr/sbin/mysqld'),
    '--no-defaults',
    `--basedir=${join(folder, 'usr')}`,
    `--plugin-dir=${join(folder, 'usr/lib/mysql/plugin')}`,
    `--lc-messages-dir=${join(folder, 'usr/share/mysql')}`,
    `--character-sets-dir=${join(folder, 'usr/share/mysql/charsets')}`,
  ]
}
