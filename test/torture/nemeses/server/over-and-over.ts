import type { Scene } from '../../fault.ts'
import { pause } from '../pause.ts'
import { openAdmin } from './server-scene.ts'
import type { ServerSession } from './server-session.ts'

interface Pace {
  readonly forMs: number
  readonly pauseMs: number
}

const REOPEN_MS = 100

/**
 * Does it again and again on a session of its own, for so long, and once at least. Trouble with it (a lock that cannot be had, a server that
 * restarts) means another session.
 *
 * @throws what went wrong last, if it never went right
 */
export async function overAndOver(
  scene: Scene,
  signal: AbortSignal,
  { forMs, pauseMs }: Pace,
  action: (session: ServerSession) => Promise<unknown>,
): Promise<void> {
  const endMs = performance.now() + forMs
  const isOver = () => signal.aborted || performance.now() >= endMs
  let hasWorked = false
  let trouble: unknown
  while (!isOver()) {
    let session: ServerSession | undefined
    try {
      session = await openAdmin(scene)
      // Once at least, however long the server took to let it in.
      do {
        await action(session)
        hasWorked = true
        await pause(pauseMs, signal)
      } while (!isOver())
    } catch (error) {
      trouble = error
      await pause(REOPEN_MS, signal)
    } finally {
      session?.close()
    }
  }
  if (!hasWorked && trouble !== undefined) throw new Error('not injected', { cause: trouble })
}
