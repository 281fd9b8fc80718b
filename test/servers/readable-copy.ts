import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { OsUser } from './os-user.ts'

const run = promisify(execFile)

/**
 * The folder itself if the server's user can read its programs; else a copy in the run's folder
 * (a repository in root's home is closed to everyone else).
 */
export async function readableCopy(folder: string, program: string, runFolder: string, user: OsUser | undefined): Promise<string> {
  if (!user) return folder
  try {
    await run('/bin/sh', ['-c', 'test -x "$0"', join(folder, program)], { ...user, cwd: '/' })
    return folder
  } catch {
    const copy = join(runFolder, 'programs')
    await run('cp', ['-R', folder, copy])
    await run('chown', [`${user.uid}:${user.gid}`, copy])
    return copy
  }
}
