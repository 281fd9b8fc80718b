import { type Lock, LockFactory } from '@verrou/core'
import type { LockStore } from '@verrou/core/types'
import type { Place } from '../places/place.ts'
import type { OpenPeer, Peer } from './peer.ts'

/** Verrou itself, on any of its stores. */
export function verrouCorePeer(store: LockStore, closeDriver: () => unknown): OpenPeer {
  const locks = new LockFactory(store)
  return {
    async take(key, ttlMs): Promise<Lock | undefined> {
      const lock = locks.createLock(key, ttlMs)
      return (await lock.acquireImmediately()) ? lock : undefined
    },
    run: (key, work) => locks.createLock(key, 60_000).run(work),
    async close() {
      await closeDriver()
    },
  }
}

/** It makes its table at the first use; several processes that do so at once would fail. */
export async function useOnce(peer: Peer, place: Place): Promise<void> {
  const opened = await peer.open({ url: place.url, poolSize: 1 })
  await (await opened.take('made the table', 1_000))?.release()
  await opened.close()
}
