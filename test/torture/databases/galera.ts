import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultKind } from '../fault.ts'
import { startGaleraCluster } from '../servers/galera-cluster.ts'
import { queryMysql } from '../servers/query-mysql.ts'
import type { RestartableServer } from '../servers/restartable-server.ts'
import { MoveListeners } from './move-listeners.ts'
import { MYSQL_ENDS } from './mysql.ts'
import type { TortureDatabase } from './torture-database.ts'

/** A node that comes back is behind by what others have written meanwhile. */
const DOWN_MS = { least: 100, most: 4_000 }
const NODES = 3

/** Three nodes of MariaDB Galera, all of which take writes; each worker has its own. One at most is away at a time, so two agree. */
export async function startGalera(): Promise<TortureDatabase> {
  const nodes = await startGaleraCluster()
  const moves = new MoveListeners()
  let away: RestartableServer | undefined
  let isDown = false

  const nodeOf = (index: number) => nodes[index % NODES] as RestartableServer
  /** Not the one that is away. */
  const another = (index: number) => (nodeOf(index) === away ? nodeOf(index + 1) : nodeOf(index))

  const leave = (node: RestartableServer, isGone: boolean) => {
    away = node
    isDown = isGone
    if (isDown) moves.moved()
  }
  const comeBack = () => {
    away = undefined
    if (isDown) moves.moved()
    isDown = false
  }

  return {
    name: 'galera',
    family: 'mysql',
    version: `three nodes of MariaDB Galera ${nodeOf(0).version}`,
    adminUrl: () => another(0).url,
    workerUrl: () => nodeOf(0).url.replace('verrou:verrou@', 'worker:worker@'),
    // To a node that does not run nobody can be led; with one that is cut off, its clients are.
    endpointOf: (worker) => (isDown ? another(worker) : nodeOf(worker)).endpoint,
    onMoved: moves.onMoved,
    hasSessionLocks: false,
    faults: [crashAndRejoin(nodeOf, leave, comeBack), partition(nodeOf, leave, comeBack)],
    async heal() {
      for (const node of nodes) await bringBack(node)
      comeBack()
    },
    async stop() {
      await Promise.all(nodes.map((node) => node.process.stop()))
    },
  }
}

type NodeOf = (index: number) => RestartableServer
type Leave = (node: RestartableServer, isGone: boolean) => void

/** A node dies; its clients go to another; it comes back and gets what it has missed. */
function crashAndRejoin(nodeOf: NodeOf, leave: Leave, comeBack: () => void): FaultKind {
  return {
    name: 'node crash and rejoin',
    lane: 'server',
    weight: 10,
    draw: (random) => ({
      node: random.integer(0, NODES - 1),
      signal: random.pick(MYSQL_ENDS),
      forMs: random.integer(DOWN_MS.least, DOWN_MS.most),
    }),
    async inject({ node: index, signal, forMs }, _scene, aborted) {
      const node = nodeOf(index as number)
      await node.process.end(signal as NodeJS.Signals)
      leave(node, true)
      await sleep(forMs as number, undefined, { signal: aborted }).catch(() => {})
      await bringBack(node)
      comeBack()
    },
  }
}

/** A node hears nothing of the others, nor they of it. Its clients stay with it: it must not let them write. */
function partition(nodeOf: NodeOf, leave: Leave, comeBack: () => void): FaultKind {
  return {
    name: 'node partitioned',
    lane: 'server',
    weight: 10,
    draw: (random) => ({ node: random.integer(0, NODES - 1), forMs: random.integer(500, 5_000) }),
    async inject({ node: index, forMs }, _scene, aborted) {
      const node = nodeOf(index as number)
      leave(node, false)
      await isolate(node, true)
      await sleep(forMs as number, undefined, { signal: aborted }).catch(() => {})
      await bringBack(node)
      comeBack()
    },
  }
}

/** https://galeracluster.com/library/documentation/galera-parameters.html#gmcast-isolate */
async function isolate(node: RestartableServer, isIsolated: boolean): Promise<void> {
  await queryMysql(node.url, `set global wsrep_provider_options = 'gmcast.isolate=${isIsolated ? 1 : 0}'`)
}

/** Whatever has happened to it: up, no longer cut off, and in the cluster. */
async function bringBack(node: RestartableServer): Promise<void> {
  if (!node.process.hasEnded()) await isolate(node, false)
  await node.revive()
}
