import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import type { OsUser } from './os-user.ts'
import { readableCopy } from './readable-copy.ts'

export interface PostgresPrograms {
  /** Has `bin` and `lib`. */
  folder: string
  /** The command that fills an empty data folder. */
  initialize: (dataFolder: string) => string[]
  postgres: string[]
}

/** The programs of the npm package of that name (`postgres-14`, `postgres-18`). */
export async function postgresPrograms(
  packageName: string,
  runFolder: string,
  user: OsUser | undefined,
): Promise<PostgresPrograms> {
  const original = packageFolder(packageName)
  const folder = await readableCopy({ original, program: 'bin/postgres', folder: runFolder, user })
  const options = ['--username=postgres', '--auth=trust', '--no-sync', '--encoding=UTF8', '--locale=C']
  return {
    folder,
    initialize: (dataFolder) => [join(folder, 'bin/initdb'), `--pgdata=${dataFolder}`, ...options],
    postgres: [join(folder, 'bin/postgres')],
  }
}

function packageFolder(packageName: string): string {
  // Resolved from the workspace that depends on them, wherever npm put them.
  const require = createRequire(new URL('../binaries/package.json', import.meta.url))
  try {
    return join(dirname(require.resolve(packageName)), '../native')
  } catch {
    throw new Error(`the npm package ${packageName} is not installed (it exists for Linux x64 only)`)
  }
}
