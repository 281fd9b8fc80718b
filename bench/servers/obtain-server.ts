import { serverVersion } from '../../test/servers/server-version.ts'
import { startMariadb } from '../../test/servers/start-mariadb.ts'
import { startMysql } from '../../test/servers/start-mysql.ts'
import { startPostgres } from '../../test/servers/start-postgres.ts'
import type { StartedServer } from '../../test/servers/started-server.ts'
import type { BenchServer, ServerName } from './bench-server.ts'
import { isDurable, serverSettings } from './server-settings.ts'
import { startRedis } from './start-redis.ts'

/** What the tests switch off, and what a server that is measured must have. The rest is as the server comes, but for its memory. */
const DURABLE_POSTGRES = {
  fsync: 'on',
  full_page_writes: 'on',
  synchronous_commit: 'on',
  shared_buffers: '512MB',
  max_wal_size: '4GB',
}

const DURABLE_MYSQL = [
  '--innodb-flush-log-at-trx-commit=1',
  '--innodb-doublewrite=ON',
  '--innodb-buffer-pool-size=512M',
]

const START: Readonly<Record<ServerName, () => Promise<StartedServer>>> = {
  postgres: () => startPostgres('postgres-18', DURABLE_POSTGRES),
  mysql: () => startMysql(DURABLE_MYSQL),
  mariadb: () => startMariadb(DURABLE_MYSQL),
  redis: startRedis,
}

/** In this order: a server that was named for the benchmark counts as it is; one of the tests only if it keeps what it commits. */
const GIVEN: Readonly<Record<ServerName, readonly string[]>> = {
  postgres: ['VERROU_BENCH_POSTGRES_URL', 'VERROU_TEST_POSTGRES_18_URL'],
  mysql: ['VERROU_BENCH_MYSQL_URL', 'VERROU_TEST_MYSQL_URL'],
  mariadb: ['VERROU_BENCH_MARIADB_URL', 'VERROU_TEST_MARIADB_URL'],
  redis: ['VERROU_BENCH_REDIS_URL'],
}

/** A server that was given by its URL, else one of our own, with durable settings. */
export async function obtainServer(
  name: ServerName,
  environment: Readonly<Record<string, string | undefined>>,
): Promise<BenchServer> {
  for (const variable of GIVEN[name]) {
    const url = environment[variable]
    if (!url) continue
    const version = name === 'redis' ? 'as given' : await serverVersion(url)
    const server = await described(name, { url, version, source: variable, stop: async () => {} })
    if (server.isDurable || variable.startsWith('VERROU_BENCH_')) return server
  }
  return await described(name, await START[name]())
}

async function described(name: ServerName, server: StartedServer): Promise<BenchServer> {
  const settings = await serverSettings(name, server.url)
  return { ...server, name, settings, isDurable: isDurable(name, settings) }
}
