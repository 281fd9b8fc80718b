import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultKind } from '../fault.ts'
import { isOnline, isWritable, primaryPort, refoundGroup, startMysqlGroup } from '../servers/mysql-group.ts'
import type { RestartableServer } from '../servers/restartable-server.ts'
import { untilTrue } from '../servers/until-true.ts'
import { crashAndRestart } from './crash-and-restart.ts'
import { MoveListeners } from './move-listeners.ts'
import { MYSQL_ENDS } from './mysql.ts'
import type { TortureDatabase } from './torture-database.ts'

const JOIN_ATTEMPTS = 3

/** Five seconds until the silent primary is suspected, then an election. */
const ELECTION_PATIENCE_MS = 30_000

/** Three members of MySQL Group Replication, one of which takes writes. A commit is acknowledged when two have it. */
export async function startGroupReplication(): Promise<TortureDatabase> {
  const members = await startMysqlGroup()
  const moves = new MoveListeners()
  let primary = members[0] as RestartableServer

  const secondaries = () => members.filter((member) => member !== primary)
  const follow = (next: RestartableServer) => {
    primary = next
    moves.moved()
  }
  /** A group of two bears no loss: a member that could not come back does so first, or nothing happens to the others. */
  const whole = (fault: FaultKind): FaultKind => ({
    ...fault,
    async inject(...given) {
      for (const member of secondaries()) if (!(await isOnline(member))) await comesBack(member)
      if (!(await areOnline(members))) throw new Error('not injected: the group is not whole')
      await fault.inject(...given)
    },
  })
  const failover = whole(primaryCrash(() => primary, secondaries, follow))

  return {
    name: 'group-replication',
    family: 'mysql',
    version: `three members of MySQL Group Replication ${primary.version}`,
    adminUrl: () => primary.url,
    workerUrl: () => primary.url,
    endpointOf: () => primary.endpoint,
    onMoved: moves.onMoved,
    hasSessionLocks: false,
    faults: [
      { ...failover, name: 'primary crash', weight: 5 },
      // Always the same one of the two that are left.
      whole(
        crashAndRestart({
          name: 'secondary crash and rejoin',
          server: () => secondaries()[0] as RestartableServer,
          signals: MYSQL_ENDS,
        }),
      ),
    ],
    turningPoint: failover,
    repeatsStatements: true,
    async heal() {
      if (!(await comesBack(primary, 1))) await refoundGroup(primary)
      // The others take no writes, so that what there is to judge is complete without them.
      for (const member of secondaries()) if (!(await comesBack(member))) await member.process.end('SIGKILL')
    },
    async stop() {
      await Promise.all(members.map((member) => member.process.stop()))
    },
  }
}

/** Its `start group_replication` can hang for minutes, when the group changes while it joins; nothing but its end ends that. */
async function comesBack(member: RestartableServer, attempts = JOIN_ATTEMPTS): Promise<boolean> {
  for (let attempt = 1; attempt <= attempts; attempt++) {
    try {
      await member.revive()
      return true
    } catch {
      await member.process.end('SIGKILL')
    }
  }
  return false
}

async function areOnline(members: readonly RestartableServer[]): Promise<boolean> {
  return (await Promise.all(members.map(isOnline))).every(Boolean)
}

/** The primary is killed, another one is elected, and the killed one comes back as a secondary. */
function primaryCrash(
  primary: () => RestartableServer,
  secondaries: () => RestartableServer[],
  follow: (next: RestartableServer) => void,
): FaultKind {
  return {
    name: 'failover',
    lane: 'server',
    weight: 10,
    draw: (random) => ({ forMs: random.integer(0, 3_000) }),
    async inject({ forMs }, _scene, aborted) {
      const killed = primary()
      await killed.process.end()
      follow(await elected(secondaries(), killed))
      await sleep(forMs as number, undefined, { signal: aborted }).catch(() => {})
      await killed.revive()
    },
  }
}

/** The new primary, when it takes writes. */
async function elected(
  candidates: readonly RestartableServer[],
  killed: RestartableServer,
): Promise<RestartableServer> {
  const witness = candidates[0] as RestartableServer
  let next: RestartableServer | undefined
  await untilTrue('a new primary takes writes', ELECTION_PATIENCE_MS, async () => {
    const port = await primaryPort(witness.url)
    next = candidates.find((candidate) => candidate !== killed && candidate.endpoint.port === port)
    return next !== undefined && (await isWritable(next.url))
  })
  return next as RestartableServer
}
