import { setTimeout as sleep } from 'node:timers/promises'
import { Client } from 'pg'
import { TcpProxy } from '../../support/tcp-proxy.ts'
import { preparePostgres, prepareStandby } from './prepare-postgres.ts'
import type { RestartableServer } from './restartable-server.ts'

const PACKAGE_NAME = 'postgres-18'
const STANDBY_NAME = 'standby'
const PAUSE_MS = 50
const PATIENCE_MS = 20_000

const REPLICATION_SETTINGS = { wal_keep_size: '1GB', wal_retrieve_retry_interval: '100ms' }

/** Every commit waits until the standby shows it. The standby itself, once it is promoted, waits for nobody. */
const SYNCHRONOUS_SETTINGS = { synchronous_standby_names: STANDBY_NAME, synchronous_commit: 'remote_apply' }

/** Two Postgres servers, one of which repeats what the other does. */
export interface StandbyPair {
  readonly primary: RestartableServer
  readonly standby: RestartableServer
  /** What the standby hears the primary through. */
  readonly link: TcpProxy
  readonly isSynchronous: boolean
  readonly stop: () => Promise<void>
}

export async function startStandbyPair({ isSynchronous }: { isSynchronous: boolean }): Promise<StandbyPair> {
  const synchronous = isSynchronous ? SYNCHRONOUS_SETTINGS : {}
  const primary = await preparePostgres(PACKAGE_NAME, { ...REPLICATION_SETTINGS, ...synchronous })
  const link = await TcpProxy.to(primary.url)
  let standby: RestartableServer | undefined
  const stop = async () => {
    await Promise.all([primary.process.stop(), standby?.process.stop()])
    await link.down()
  }
  try {
    const source = `host=127.0.0.1 port=${link.port} user=postgres application_name=${STANDBY_NAME}`
    standby = await prepareStandby(PACKAGE_NAME, primary, { ...REPLICATION_SETTINGS, primary_conninfo: source })
    await link.up()
    await Promise.all([primary.start(), standby.start()])
    await untilStreaming(primary.url)
    return { primary, standby, link, isSynchronous, stop }
  } catch (error) {
    await stop()
    throw error
  }
}

async function untilStreaming(url: string): Promise<void> {
  const client = new Client(url)
  await client.connect()
  try {
    for (const deadline = Date.now() + PATIENCE_MS; Date.now() < deadline; await sleep(PAUSE_MS)) {
      const { rowCount } = await client.query("select from pg_stat_replication where state = 'streaming'")
      if (rowCount === 1) return
    }
    throw new Error('the standby does not follow its primary')
  } finally {
    await client.end()
  }
}
