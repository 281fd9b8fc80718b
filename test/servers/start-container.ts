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
  url: (address: string) => string
}

const POSTGRES = {
  port: 5432,
  environment: { POSTGRES_PASSWORD: 'verrou', POSTGRES_DB: 'verrou_test' },
  command: ['postgres', '-c', 'max_connections=300', '-c', 'fsync=off', '-c', 'full_page_writes=off', '-c', 'shared_preload_libraries=pg_stat_statements'],
  url: (address: string) => `postgres://postgres:verrou@${address}/verrou_test`,
}

const MYSQL_OPTIONS = ['--skip-name-resolve', '--max-connections=300', '--innodb-flush-log-at-trx-commit=0', '--skip-log-bin', '--performance-schema=ON']
const MYSQL_URL = (address: string) => `mysql://root:verrou@${address}/verrou_test`

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
    const url = recipe.url(`${container.getHost()}:${container.getMappedPort(recipe.port)}`)
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

async function containerOf(image: string, { port, environment, command }: Recipe) {
  // Loaded only where a Docker engine answers: it takes a second.
  const { GenericContainer, Wait } = await import('testcontainers')
  return await new GenericContainer(image)
    .withEnvironment(environment)
    .withCommand(command)
    .withExposedPorts(port)
    // Only that the port is mapped: whether the database answers is asked by untilReady, over the very connection that tests use.
    .withWaitStrategy(Wait.forListeningPorts())
    .start()
}
