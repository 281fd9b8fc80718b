import { startGalera } from './galera.ts'
import { startGroupReplication } from './group-replication.ts'
import { startMariadb, startMysql } from './mysql.ts'
import { startPgbouncerSession, startPgbouncerTransaction } from './pgbouncer.ts'
import { startPostgresNewest, startPostgresOldest } from './postgres.ts'
import { startPostgresAsync, startPostgresSync } from './postgres-with-standby.ts'
import { startSqlite } from './sqlite.ts'
import type { TortureDatabase } from './torture-database.ts'

/** Every database that can be tortured, by its name on the command line, and how it is started. */
export const TORTURE_DATABASES = {
  sqlite: startSqlite,
  postgres: startPostgresNewest,
  'postgres-14': startPostgresOldest,
  'postgres-sync': startPostgresSync,
  'postgres-async': startPostgresAsync,
  'pgbouncer-transaction': startPgbouncerTransaction,
  'pgbouncer-session': startPgbouncerSession,
  mysql: startMysql,
  mariadb: startMariadb,
  galera: startGalera,
  'group-replication': startGroupReplication,
} satisfies Record<string, () => Promise<TortureDatabase>>

export type TortureDatabaseName = keyof typeof TORTURE_DATABASES
