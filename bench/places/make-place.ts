import type { BenchServers } from '../servers/bench-servers.ts'
import { mysqlPlace } from './mysql-place.ts'
import type { Place, PlaceName } from './place.ts'
import { postgresPlace } from './postgres-place.ts'
import { redisPlace } from './redis-place.ts'
import { sqlitePlace } from './sqlite-place.ts'

/** @throws NotRun where the server cannot be had. */
export async function makePlace(servers: BenchServers, name: PlaceName): Promise<Place> {
  if (name === 'sqlite') return await sqlitePlace()
  const server = await servers.get(name)
  if (name === 'postgres') return await postgresPlace(server)
  return await (name === 'redis' ? redisPlace(server) : mysqlPlace(server))
}
