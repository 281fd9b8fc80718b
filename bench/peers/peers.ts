import type { Peer } from './peer.ts'

/** Every peer, loaded by those processes only that use it. */
export const PEERS = {
  'verrou-sql on pg': async () => (await import('./verrou-sql-postgres.ts')).verrouSqlPostgres,
  'verrou-sql on pg, portable': async () => (await import('./verrou-sql-postgres.ts')).verrouSqlPostgresPortable,
  'verrou-sql on Kysely, Postgres': async () =>
    (await import('./verrou-sql-postgres-kysely.ts')).verrouSqlPostgresKysely(false),
  'verrou-sql on Kysely with its pool': async () =>
    (await import('./verrou-sql-postgres-kysely.ts')).verrouSqlPostgresKysely(true),
  'verrou-sql on mysql2': async () => (await import('./verrou-sql-mysql.ts')).verrouSqlMysql,
  'verrou-sql on mysql2, portable': async () => (await import('./verrou-sql-mysql.ts')).verrouSqlMysqlPortable,
  'verrou-sql on better-sqlite3': async () => (await import('./verrou-sql-sqlite.ts')).verrouSqlSqlite,
  'verrou-sql session locks': async () => (await import('./verrou-sql-session.ts')).verrouSqlSession,
  'verrou-sql with presence': async () => (await import('./verrou-sql-presence.ts')).verrouSqlPresence,
  '@verrou/core on Postgres': async () => (await import('./verrou-core-postgres.ts')).verrouCorePostgres,
  '@verrou/core on MySQL': async () => (await import('./verrou-core-mysql.ts')).verrouCoreMysql,
  '@verrou/core on SQLite': async () => (await import('./verrou-core-sqlite.ts')).verrouCoreSqlite,
  '@verrou/core on Redis': async () => (await import('./verrou-core-redis.ts')).verrouCoreRedis,
  'redlock on Redis': async () => (await import('./redlock-peer.ts')).redlockPeer,
  'two statements, Postgres': async () => (await import('./hand-written-postgres.ts')).handWrittenPostgres,
  'two statements, release not flushed': async () =>
    (await import('./hand-written-postgres.ts')).handWrittenPostgresUnflushed,
  'two statements, MySQL': async () => (await import('./hand-written-mysql.ts')).handWrittenMysql,
  'two statements, SQLite': async () => (await import('./hand-written-sqlite.ts')).handWrittenSqlite,
  'bare advisory lock': async () => (await import('./bare-advisory-lock.ts')).bareAdvisoryLock,
  'advisory-lock package': async () => (await import('./advisory-lock-package.ts')).advisoryLockPackage,
} satisfies Record<string, () => Promise<Peer>>

export type PeerName = keyof typeof PEERS
