import { Redis } from 'ioredis'
import Redlock, { ExecutionError } from 'redlock'
import type { Peer } from './peer.ts'

/** `redlock` with one Redis, one try each. */
export const redlockPeer: Peer = {
  async open({ url }) {
    const connection = new Redis(url)
    const redlock = new Redlock([connection], { retryCount: 0 })
    return {
      async take(key, ttlMs) {
        try {
          return await redlock.acquire([key], ttlMs)
        } catch (error) {
          // It has no other word for a key that is held; an outage looks the same.
          if (error instanceof ExecutionError) return undefined
          throw error
        }
      },
      async close() {
        connection.disconnect()
      },
    }
  },
}
