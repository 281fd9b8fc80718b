import advisoryLock from 'advisory-lock'
import type { Peer } from './peer.ts'

/** The npm package `advisory-lock`: a connection for every lock. */
export const advisoryLockPackage: Peer = {
  async open({ url }) {
    const mutexOf = advisoryLock.default(url)
    return {
      async take(key) {
        const unlock = await mutexOf(key).tryLock()
        return unlock && { release: unlock }
      },
      close: async () => {},
    }
  },
}
