import type { MissingServer } from './start-servers.ts'

/** The services of compose.yaml, and the URL under which each can be reached. */
const HOW_TO_GET: Readonly<Record<string, string>> = {
  postgres: command('postgres', 'VERROU_TEST_POSTGRES_URL=postgres://postgres:verrou@127.0.0.1:5432/verrou_test'),
  'postgres-14': command(
    'postgres14',
    'VERROU_TEST_POSTGRES_14_URL=postgres://postgres:verrou@127.0.0.1:5414/verrou_test',
  ),
  'postgres-18': command(
    'postgres',
    'VERROU_TEST_POSTGRES_18_URL=postgres://postgres:verrou@127.0.0.1:5432/verrou_test',
  ),
  mysql: command('mysql', 'VERROU_TEST_MYSQL_URL=mysql://root:verrou@127.0.0.1:3306/verrou_test'),
  mariadb: command('mariadb', 'VERROU_TEST_MARIADB_URL=mysql://root:verrou@127.0.0.1:3307/verrou_test'),
}

/** The block that says which databases the tests did not see. */
export function notRunLines(missing: readonly MissingServer[]): string[] {
  return missing.flatMap(({ name, reason }) => [
    `NOT RUN: ${name} – ${reason}`,
    `         to get it: ${HOW_TO_GET[name] ?? 'start it, and give the URL of a database that exists, with a user who may create tables'}`,
  ])
}

function command(service: string, variable: string): string {
  return `docker compose up -d --wait ${service} && ${variable} npm test`
}
