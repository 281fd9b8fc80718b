import { execFile } from 'node:child_process'
import { existsSync } from 'node:fs'
import { rm } from 'node:fs/promises'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { startMysqlFamily } from './mysql-family.ts'
import { serverUser } from './os-user.ts'
import { createRunFolder } from './run-folder.ts'
import type { StartedServer } from './started-server.ts'

const run = promisify(execFile)

/** Starts MariaDB from the machine's own packages, which are installed first where that is possible. */
export async function startMariadb(): Promise<StartedServer> {
  const source = findProgram('mariadbd') ? 'installed mariadbd' : await installMariadb()
  const user = serverUser('mysql')
  const runFolder = await createRunFolder('mariadb', user)
  try {
    await createDataFolder(runFolder, user)
    const command = [program('mariadbd'), '--no-defaults', '--log-warnings=0']
    return { ...(await startMysqlFamily({ command, runFolder, user })), source }
  } catch (error) {
    await rm(runFolder, { recursive: true, force: true })
    throw error
  }
}

async function createDataFolder(runFolder: string, user: ReturnType<typeof serverUser>): Promise<void> {
  const options = ['--no-defaults', `--datadir=${join(runFolder, 'data')}`, '--auth-root-authentication-method=normal', '--skip-test-db']
  await run(program('mariadb-install-db'), options, { ...user, cwd: runFolder })
}

async function installMariadb(): Promise<string> {
  if (process.getuid?.() !== 0 || !findProgram('apt-get')) throw new Error('mariadbd is not installed, and only root on a machine with apt can install it')

  const env = { ...process.env, DEBIAN_FRONTEND: 'noninteractive' }
  await run('apt-get', ['-q', 'update'], { env })
  await run('apt-get', ['-q', 'install', '-y', '--no-install-recommends', 'mariadb-server'], { env, maxBuffer: 64 * 1024 * 1024 })
  return 'apt-get install mariadb-server'
}

function program(name: string): string {
  const path = findProgram(name)
  if (!path) throw new Error(`${name} is not installed`)
  return path
}

function findProgram(name: string): string | undefined {
  // Debian keeps servers in /usr/sbin, which is not on everybody's PATH.
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/sbin', '/usr/local/sbin', '/usr/local/bin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}
