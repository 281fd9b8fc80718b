import { preparePgbouncer } from '../servers/prepare-pgbouncer.ts'
import { preparePostgres } from '../servers/prepare-postgres.ts'
import type { RestartableServer } from '../servers/restartable-server.ts'
import { crashAndRestart } from './crash-and-restart.ts'
import { POSTGRES_ENDS } from './postgres.ts'
import type { TortureDatabase } from './torture-database.ts'

/** A transaction may be on another server connection than the one before. Statements cannot be prepared by name. */
export const startPgbouncerTransaction = () => startPgbouncer('transaction', 10)

/** A server connection belongs to a client until it leaves; enough for 8 workers with all of theirs, and what they leave behind. */
export const startPgbouncerSession = () => startPgbouncer('session', 80)

/** A Postgres 18 behind PgBouncer, either of which may be gone. */
async function startPgbouncer(poolMode: 'session' | 'transaction', poolSize: number): Promise<TortureDatabase> {
  const started: RestartableServer[] = []
  const stop = async () => {
    await Promise.all(started.map((server) => server.process.stop()))
  }
  try {
    const postgres = await preparePostgres('postgres-18')
    started.push(postgres)
    const pgbouncer = await preparePgbouncer({ postgresUrl: postgres.url, poolMode, poolSize })
    started.push(pgbouncer)
    await postgres.start()
    await pgbouncer.start()
    return {
      name: `pgbouncer-${poolMode}`,
      family: 'postgres',
      version: `PostgreSQL ${postgres.version} behind PgBouncer in ${poolMode} mode`,
      adminUrl: () => postgres.url,
      workerUrl: () => pgbouncer.url,
      endpointOf: () => pgbouncer.endpoint,
      onMoved: () => {},
      hasSessionLocks: poolMode === 'session',
      faults: [
        crashAndRestart({ server: () => postgres, signals: POSTGRES_ENDS }),
        crashAndRestart({ name: 'pooler restart', server: () => pgbouncer, signals: ['SIGKILL', 'SIGTERM'] }),
      ],
      async heal() {
        await postgres.revive()
        await pgbouncer.revive()
      },
      stop,
    }
  } catch (error) {
    await stop()
    throw error
  }
}
