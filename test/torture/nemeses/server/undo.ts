import { setTimeout as sleep } from 'node:timers/promises'
import type { Scene } from '../../fault.ts'
import { openAdmin, serverFamily } from './server-scene.ts'
import type { ServerSession } from './server-session.ts'

type Undoing = (session: ServerSession) => Promise<unknown>

const INSIST_MS = 60_000
/** What a server of MySQL's has been told to be its default ends with its process; if that does not answer, it has probably ended. */
const OLD_SERVER_MS = 10_000
const AGAIN_MS = 200

/**
 * Puts back what a fault has changed: at the server that takes writes now, and in the MySQL family, where settings belong to one
 * server, also where it was made. Tries until it has been done, though the fault was to end early: a server may be restarting.
 *
 * @param madeAt the admin's URL then
 */
export async function undo(scene: Scene, madeAt: string, undoing: Undoing): Promise<void> {
  await insist(scene, () => scene.database.adminUrl(), INSIST_MS, undoing)
  const hasMoved = scene.database.adminUrl() !== madeAt
  if (hasMoved && serverFamily(scene) === 'mysql')
    await insist(scene, () => madeAt, OLD_SERVER_MS, undoing).catch(() => {})
}

async function insist(scene: Scene, url: () => string, forMs: number, undoing: Undoing): Promise<void> {
  const endMs = performance.now() + forMs
  for (;;) {
    try {
      return await once(scene, url(), undoing)
    } catch (error) {
      if (performance.now() > endMs) throw new Error('what a fault has changed could not be put back', { cause: error })
    }
    await sleep(AGAIN_MS)
  }
}

async function once(scene: Scene, url: string, undoing: Undoing): Promise<void> {
  const session = await openAdmin(scene, url)
  try {
    await undoing(session)
  } finally {
    session.close()
  }
}
