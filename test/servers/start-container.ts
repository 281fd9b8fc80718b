import type { StartedTestContainer } from 'testcontainers'
import type { StartedServer } from './started-server.ts'
import { untilReady } from './until-ready.ts'
import type { ServerName } from './wanted-servers.ts'

interface Recipe {
  image: string
  /** The environment variable that names another image. */
  variable: string
  port: number
  environment: Record<string, string>
  command: string[]
  /** From host and port. */
  url: (place: string) => string
}

const POSTGRES = {
  port: 5432,
  environment: { POSTGRES_PASSWORD: 'verrou', POSTGRES_DB: 'verrou_test' },
  command: [
    'postgres',
    '-c',
    'max_connections=300',
    '-c',
    'fsync=off',
    '-c',
    'full_page_writes=off',
    '-c',
    'shared_preload_libraries=pg_stat_statements',
  ],
  url: (place: string) => `postgres://postgres:verrou@${place}/verrou_test`,
}

const MYSQL_OPTIONS = [
  '--skip-name-resolve',
  '--max-connections=300',
  '--innodb-flush-log-at-trx-commit=0',
  '--skip-log-bin',
  '--performance-schema=ON',
]
const MYSQL_URL = (place: string) => `mysql://root:verrou@${place}/verrou_test`

const RECIPES: Record<ServerName, Recipe> = {
  'postgres-14': { ...POSTGRES, image: 'postgres:14', variable: 'VERROU_TEST_POSTGRES_14_IMAGE' },
  'postgres-18': { ...POSTGRES, image: 'postgres:18', variable: 'VERROU_TEST_POSTGRES_18_IMAGE' },
  mysql: {
    image: 'mysql:9',
    variable: 'VERROU_TEST_MYSQL_IMAGE',
    port: 3306,
    environment: { MYSQL_ROOT_PASSWORD: 'verrou', MYSQL_ROOT_HOST: '%', MYSQL_DATABASE: 'verrou_test' },
    command: ['mysqld', ...MYSQL_OPTIONS],
    url: MYSQL_URL,
  },
  mariadb: {
    image: 'mariadb:10.11',
    variable: 'VERROU_TEST_MARIADB_IMAGE',
    port: 3306,
    environment: { MARIADB_ROOT_PASSWORD: 'verrou', MARIADB_ROOT_HOST: '%', MARIADB_DATABASE: 'verrou_test' },
    command: ['mariadbd', ...MYSQL_OPTIONS],
    url: MYSQL_URL,
  },
}

/** Starts the database's container. Testcontainers' own watcher container removes it should this process die. */
export async function startContainer(name: ServerName): Promise<StartedServer> {
  const recipe = RECIPES[name]
  const image = process.env[recipe.variable] || recipe.image
  const container = await containerOf(image, recipe)
  try {
    const url = recipe.url(`${address(container.getHost())}:${container.getMappedPort(recipe.port)}`)
    return {
      url,
      version: await untilReady(url),
      source: `container ${image}`,
      stop: async () => {
        await container.stop()
      },
    }
  } catch (error) {
    await container.stop()
    throw error
  }
}

async function containerOf(image: string, { port, environment, command }: Recipe): Promise<StartedTestContainer> {
  // Loaded only where a Docker engine answers: it takes a second.
  const { GenericContainer, getContainerRuntimeClient, Wait } = await import('testcontainers')

  /** Testcontainers publishes ports on every interface; the passwords of these servers are public. */
  class LocalContainer extends GenericContainer {
    protected override async beforeContainerCreated(): Promise<void> {
      const bindings: { HostIp?: string }[][] = Object.values(this.hostConfig.PortBindings ?? {})
      for (const binding of bindings.flat()) binding.HostIp = '127.0.0.1'
    }
  }

  const { host } = (await getContainerRuntimeClient()).info.containerRuntime
  // Another host: the engine is elsewhere, or we are in a container ourselves and reach the ports through its network.
  const Container = host === 'localhost' ? LocalContainer : GenericContainer
  return await new Container(image)
    .withEnvironment(environment)
    .withCommand(command)
    .withExposedPorts(port)
    // Only that the port is mapped: whether the database answers is asked by untilReady, over the very connection that tests use.
    .withWaitStrategy(Wait.forListeningPorts())
    .start()
}

/** The name localhost may mean ::1 first, where nobody listens. */
function address(host: string): string {
  return host === 'localhost' ? '127.0.0.1' : host
}
