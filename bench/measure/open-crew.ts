import { NotRun } from '../not-run.ts'
import type { Peer } from '../peers/peer.ts'
import { PEERS } from '../peers/peers.ts'
import type { Place } from '../places/place.ts'
import { Crew } from '../workers/crew.ts'
import { type Contender, POOL_SIZE } from './contender.ts'

/** Makes the contender's table, and starts its processes. @throws NotRun */
export async function openCrew(contender: Contender, signal: AbortSignal): Promise<{ crew: Crew; place: Place }> {
  const { peer: name, place, poolSize = POOL_SIZE, tableName, processes = 1 } = contender
  if (place instanceof NotRun) throw place
  const peer: Peer = await PEERS[name]()
  await peer.prepare?.(place, tableName)
  return { crew: await Crew.open({ peer: name, url: place.url, poolSize, tableName }, processes, signal), place }
}
