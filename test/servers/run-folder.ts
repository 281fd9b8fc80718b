import { chown, mkdtemp } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { OsUser } from './os-user.ts'

/** A fresh folder for one server's data, owned by the user it will run as. */
export async function createRunFolder(database: string, user: OsUser | undefined): Promise<string> {
  const folder = await mkdtemp(join(tmpdir(), `verrou-test-${database}-`))
  if (user) await chown(folder, user.uid, user.gid)
  return folder
}
