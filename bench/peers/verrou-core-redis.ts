import { redisStore } from '@verrou/core/drivers/redis'
import { Redis } from 'ioredis'
import type { Peer } from './peer.ts'
import { verrouCorePeer } from './verrou-core-peer.ts'

/** Verrou with its Redis store: one connection, on which ioredis sends without waiting for answers. */
export const verrouCoreRedis: Peer = {
  async open({ url }) {
    const connection = new Redis(url)
    return verrouCorePeer(redisStore({ connection }).factory(), () => connection.disconnect())
  },
}
