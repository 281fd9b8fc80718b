import { LockFactory, type LockStore } from '../../src/index.ts'
import type { OpenPeer } from './peer.ts'

/** This library, on any of its stores. */
export function lockFactoryPeer(store: LockStore, closeDriver: () => unknown): OpenPeer {
  const locks = new LockFactory(store)
  return {
    async take(key, ttlMs) {
      const lock = locks.createLock(key, ttlMs)
      return (await lock.acquireImmediately()) ? lock : undefined
    },
    run: (key, work, signal) => locks.createLock(key, '60s').run(work, { signal }),
    async close() {
      await locks.close()
      await closeDriver()
    },
  }
}
