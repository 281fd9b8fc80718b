import { setTimeout as sleep } from 'node:timers/promises'
import type { Scene } from '../../fault.ts'
import { isFull, openSession, type ServerSession } from './server-session.ts'

export type ServerFamily = 'postgres' | 'mysql'

const FULL_ATTEMPTS = 10
const FULL_PAUSE_MS = 50

/** Which language the server of the scene speaks. */
export function serverFamily({ database }: Scene): ServerFamily {
  if (database.family === 'sqlite') throw new Error('not injected: a file has no sessions')
  return database.family
}

/**
 * A session of the torture's own user, who may do anything, at the server that takes writes now.
 *
 * Tried again where the server is full: MySQL keeps one place for its administrators, and whoever comes stands in it
 * until it is known who that is. So somebody who is being refused there keeps an administrator out, for a moment.
 */
export async function openAdmin(scene: Scene, url: string = scene.database.adminUrl()): Promise<ServerSession> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      return await openSession(serverFamily(scene), url)
    } catch (error) {
      if (!isFull(error) || attempt === FULL_ATTEMPTS) throw error
      await sleep(FULL_PAUSE_MS)
    }
  }
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
