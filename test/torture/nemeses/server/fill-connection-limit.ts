import type { FaultKind, Scene } from '../../fault.ts'
import { pause } from '../pause.ts'
import { serverFamily, workerAtServer } from './server-scene.ts'
import { isFull, openSession, type ServerSession } from './server-session.ts'

/** A server that takes more than this has a limit that no test should reach. */
const MOST = 1_000
const AT_ONCE = 8
const TOP_UP_MS = 100

/**
 * Another app takes every connection that there is. It comes as a worker does, so that what a server keeps for its
 * administrators stays theirs, and takes the place of every worker that leaves.
 */
export const fillConnectionLimit: FaultKind = {
  name: 'fill connection limit',
  lane: 'server',
  weight: 8,
  draw: (random) => ({ forMs: random.integer(500, 4_000) }),
  async inject({ forMs }, scene, signal) {
    const taken: ServerSession[] = []
    try {
      await fill(scene, taken, signal)
      const endMs = performance.now() + Number(forMs)
      while (performance.now() < endMs && !signal.aborted) {
        await pause(TOP_UP_MS, signal)
        // A server that is gone meanwhile has nothing to fill.
        await takeOne(scene, taken).catch(() => {})
      }
    } finally {
      for (const session of taken) session.close()
    }
  },
}

async function fill(scene: Scene, taken: ServerSession[], signal: AbortSignal): Promise<void> {
  while (!signal.aborted) {
    const attempts = await Promise.allSettled(Array.from({ length: AT_ONCE }, () => takeOne(scene, taken)))
    const failed = attempts.find(({ status }) => status === 'rejected') as PromiseRejectedResult | undefined
    if (failed) throw new Error('not injected', { cause: failed.reason })
    if (attempts.some((attempt) => attempt.status === 'fulfilled' && !attempt.value)) return
    if (taken.length > MOST) throw new Error(`not injected: ${taken.length} connections, and the server takes more`)
  }
}

/** @returns false: the server refused */
async function takeOne(scene: Scene, taken: ServerSession[]): Promise<boolean> {
  try {
    taken.push(await openSession(serverFamily(scene), workerAtServer(scene)))
    return true
  } catch (error) {
    if (isFull(error)) return false
    throw error
  }
}
