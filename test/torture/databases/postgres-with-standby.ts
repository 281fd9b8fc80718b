import { setTimeout as sleep } from 'node:timers/promises'
import { sendPostgres } from '../../support/throwaway-database.ts'
import type { FaultKind } from '../fault.ts'
import type { RestartableServer } from '../servers/restartable-server.ts'
import { type StandbyPair, startStandbyPair } from '../servers/standby-pair.ts'
import { crashAndRestart } from './crash-and-restart.ts'
import { MoveListeners } from './move-listeners.ts'
import { POSTGRES_ENDS } from './postgres.ts'
import type { TortureDatabase } from './torture-database.ts'

/** A commit is acknowledged when the standby shows it, too: a failover loses nothing. */
export async function startPostgresSync(): Promise<TortureDatabase> {
  const pair = await startStandbyPair({ isSynchronous: true })
  return tortured({ name: 'postgres-sync', words: 'a synchronous standby (remote_apply)', pair })
}

/** The standby hears of commits when it may: a failover loses the last ones. */
export async function startPostgresAsync(): Promise<TortureDatabase> {
  const pair = await startStandbyPair({ isSynchronous: false })
  return {
    ...tortured({ name: 'postgres-async', words: 'an asynchronous standby', pair }),
    maySuffer: 'lost grants',
  }
}

function tortured({ name, words, pair }: { name: string; words: string; pair: StandbyPair }): TortureDatabase {
  const moves = new MoveListeners()
  let writable = pair.primary

  const standby = (): RestartableServer => {
    if (writable === pair.standby) throw new Error('the standby is the primary now')
    return pair.standby
  }

  return {
    name,
    family: 'postgres',
    version: `PostgreSQL ${pair.primary.version} with ${words}`,
    adminUrl: () => writable.url,
    workerUrl: () => writable.url,
    endpointOf: () => writable.endpoint,
    onMoved: moves.onMoved,
    hasSessionLocks: true,
    faults: [
      crashAndRestart({ server: () => writable, signals: POSTGRES_ENDS }),
      crashAndRestart({ name: 'standby crash and restart', server: standby, signals: POSTGRES_ENDS, weight: 5 }),
      replicationStall(pair, standby),
    ],
    turningPoint: failover(pair, () => {
      writable = pair.standby
      moves.moved()
    }),
    async heal() {
      pair.link.unmute()
      await writable.revive()
      if (writable === pair.primary) await pair.standby.revive()
    },
    stop: pair.stop,
  }
}

/** Nothing reaches the standby for a while: with a synchronous one, no commit returns meanwhile. */
function replicationStall({ link }: StandbyPair, standby: () => RestartableServer): FaultKind {
  return {
    name: 'replication stall',
    lane: 'server',
    weight: 10,
    draw: (random) => ({ forMs: random.integer(100, 3_000) }),
    async inject({ forMs }, _scene, aborted) {
      standby()
      link.mute()
      await sleep(forMs as number, undefined, { signal: aborted }).catch(() => {})
      link.unmute()
    },
  }
}

/**
 * The primary is killed for good, and the standby takes over. Where commits do not wait for the standby, it has not heard
 * of the last ones.
 */
function failover({ primary, standby, link, isSynchronous }: StandbyPair, onPromoted: () => void): FaultKind {
  return {
    name: 'failover',
    lane: 'server',
    weight: 10,
    draw: (random) => ({ lagMs: isSynchronous ? 0 : random.integer(200, 800) }),
    async inject({ lagMs }) {
      // Both must be up: what comes after this cannot be undone.
      await Promise.all([primary.revive(), standby.revive()])
      if (!isSynchronous) link.mute()
      await sleep(lagMs as number)
      await primary.process.end()
      // What is still on its way is lost, too: the network went with the machine.
      await link.down()
      await sendPostgres(standby.url, 'select pg_promote()')
      onPromoted()
    },
  }
}
