import { execFile } from 'node:child_process'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { runGuardedStep } from './guarded-process.ts'
import type { OsUser } from './os-user.ts'

const run = promisify(execFile)

/** Given away too: the server's guard, which runs as the server's user, removes the folder in the end. */
const COPY = 'cp -R "$1" "$2" && chown -R "$3" "$2"'

interface Programs {
  original: string
  /** One program in it, or one folder, whose being reachable tells. */
  program: string
  /** The run's own folder. */
  folder: string
  user: OsUser | undefined
}

/** Where the server's user can run the programs: in place, else in a copy (a repository in root's home is closed to everyone else). */
export async function readableCopy({ original, program, folder, user }: Programs): Promise<string> {
  if (!user || (await canRun(join(original, program), user))) return original

  const copy = join(folder, `copy-of-${basename(original)}`)
  await runGuardedStep({ command: ['/bin/sh', '-c', COPY, 'copy', original, copy, `${user.uid}:${user.gid}`], folder })
  return copy
}

async function canRun(path: string, user: OsUser): Promise<boolean> {
  try {
    await run('test', ['-x', path], { ...user, cwd: '/' })
    return true
  } catch {
    return false
  }
}
