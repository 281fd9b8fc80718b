import type { MissingServer } from './start-servers.ts'
import type { WantedServer } from './wanted-servers.ts'

const COMPOSE = 'docker compose -f test/servers/compose.yaml up -d --wait'

const HOW_TO_GET: Record<WantedServer['name'], string> = {
  postgres: 'start it, or unset VERROU_TEST_POSTGRES_URL to have servers started for the tests',
  'postgres-14': `${COMPOSE} postgres-14 && VERROU_TEST_POSTGRES_14_URL=postgres://postgres:verrou@127.0.0.1:5414/verrou_test npm test`,
  'postgres-18': `${COMPOSE} postgres-18 && VERROU_TEST_POSTGRES_18_URL=postgres://postgres:verrou@127.0.0.1:5418/verrou_test npm test`,
  mysql: `${COMPOSE} mysql && VERROU_TEST_MYSQL_URL=mysql://root:verrou@127.0.0.1:3309/verrou_test npm test`,
  mariadb: `${COMPOSE} mariadb && VERROU_TEST_MARIADB_URL=mysql://root:verrou@127.0.0.1:3310/verrou_test npm test`,
}

/** The block that says which databases the tests did not see. */
export function notRunLines(missing: readonly MissingServer[]): string[] {
  return missing.flatMap(({ name, reason }) => [`NOT RUN: ${name} – ${reason}`, `         to get it: ${HOW_TO_GET[name]}`])
}
