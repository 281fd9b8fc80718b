import type { RestartableServer } from '../servers/restartable-server.ts'
import { crashAndRestart } from './crash-and-restart.ts'
import type { TortureDatabase } from './torture-database.ts'

interface SingleServer {
  readonly name: string
  readonly family: 'postgres' | 'mysql'
  /** `PostgreSQL`, for people. */
  readonly product: string
  readonly server: RestartableServer
  /** The ways it may end, by signal. */
  readonly signals: readonly NodeJS.Signals[]
}

/** One server, which never moves. Stops what it was given if it does not start. */
export async function startSingleServer({
  name,
  family,
  product,
  server,
  signals,
}: SingleServer): Promise<TortureDatabase> {
  await startOrStop(server)
  return {
    name,
    family,
    version: `${product} ${server.version}`,
    adminUrl: () => server.url,
    workerUrl: () => server.url,
    endpointOf: () => server.endpoint,
    onMoved: () => {},
    hasSessionLocks: true,
    faults: [crashAndRestart({ server: () => server, signals })],
    heal: () => server.revive(),
    stop: () => server.process.stop(),
  }
}

async function startOrStop(server: RestartableServer): Promise<void> {
  try {
    await server.start()
  } catch (error) {
    await server.process.stop()
    throw error
  }
}
