import { randomBytes } from 'node:crypto'
import type { BenchServer } from '../servers/bench-server.ts'
import { connect } from './connect.ts'
import type { Counters, Place } from './place.ts'

/** Makes a database. It is dropped in the end. */
export async function postgresPlace(server: BenchServer): Promise<Place> {
  const name = `verrou_bench_${randomBytes(4).toString('hex')}`
  const admin = await connect(server.url)
  await admin.send(`create database ${name}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const own = await connect(url.href)
  // Counted in the database of the server's URL, so that the questions of the benchmark are not among the answers.
  const isCounting = await admin.send('create extension if not exists pg_stat_statements').then(
    () => true,
    () => false,
  )
  return {
    name: 'postgres',
    title: `Postgres ${server.version}`,
    url: url.href,
    send: own.send,
    counters: async () => numbersOf((await admin.send(isCounting ? countersOf(name) : LOG_ONLY))[0] ?? {}),
    async [Symbol.asyncDispose]() {
      await own[Symbol.asyncDispose]()
      await admin.send(`drop database ${name} with (force)`)
      await admin[Symbol.asyncDispose]()
    },
  }
}

/** `pg_snapshot_xmax`: the first id that was not given to anybody yet. */
const LOG_ONLY = `select pg_current_wal_insert_lsn() - '0/0'::pg_lsn as "logBytes",
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint as "transactionIds"`

function countersOf(database: string): string {
  return `select coalesce(sum(calls), 0) as statements, coalesce(sum(wal_bytes), 0) as "statementLogBytes",
  pg_current_wal_insert_lsn() - '0/0'::pg_lsn as "logBytes",
  pg_snapshot_xmax(pg_current_snapshot())::text::bigint as "transactionIds"
from pg_stat_statements where dbid = (select oid from pg_database where datname = '${database}')`
}

function numbersOf(row: Record<string, unknown>): Counters {
  return Object.fromEntries(Object.entries(row).map(([name, value]) => [name, Number(value)]))
}
