import type { Scene } from '../../fault.ts'
import { openSession, type ServerSession } from './server-session.ts'

export type ServerFamily = 'postgres' | 'mysql'

/** Which language the server of the scene speaks. */
export function serverFamily({ database }: Scene): ServerFamily {
  if (database.family === 'sqlite') throw new Error('not injected: a file has no sessions')
  return database.family
}

/** A session of the torture's own user, who may do anything, at the server that takes writes now. */
export function openAdmin(scene: Scene, url: string = scene.database.adminUrl()): Promise<ServerSession> {
  return openSession(serverFamily(scene), url)
}

/**
 * The URL with which a worker comes to the server that takes writes now.
 *
 * @throws Error if workers come as the torture's own user: nobody could tell them apart, nor keep them from what only that user may
 */
export function workerAtServer({ database }: Scene): string {
  const url = new URL(database.adminUrl())
  const worker = new URL(database.workerUrl())
  if (worker.username === url.username) throw new Error('not injected: workers need a user of their own')
  url.username = worker.username
  url.password = worker.password
  return url.href
}

/** The name of a table or a database, as the server wants it. */
export function quoted(family: ServerFamily | 'sqlite', name: string): string {
  return family === 'mysql' ? `\`${name}\`` : `"${name}"`
}
