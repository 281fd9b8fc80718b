import { Redis } from 'ioredis'
import type { BenchServer } from '../servers/bench-server.ts'
import type { Place } from './place.ts'

/** The keys of a Redis, which are removed in the end one by one by those who made them. */
export async function redisPlace(server: BenchServer): Promise<Place> {
  const client = new Redis(server.url)
  client.on('error', () => {})
  let asked = 0
  return {
    name: 'redis',
    title: `Redis ${server.version}, nothing kept on disk`,
    url: server.url,
    send: async () => [],
    async counters() {
      asked++
      const processed = (await client.info('stats')).match(/total_commands_processed:(\d+)/)?.[1]
      return processed === undefined ? {} : { statements: Number(processed) - asked }
    },
    async [Symbol.asyncDispose]() {
      client.disconnect()
    },
  }
}
