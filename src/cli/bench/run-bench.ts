import { sql } from 'kysely'
import type { Connection } from '../connection/connection.ts'
import type { DatabaseOptions } from '../database-command.ts'
import { durabilityOf } from '../doctor/checks/durability.ts'
import { openPatient } from '../doctor/open-patient.ts'
import { BenchProgress } from './bench-progress.ts'
import type { BenchResult } from './bench-result.ts'
import { BenchTable } from './bench-table.ts'
import { measureHandOver } from './measure-hand-over.ts'
import { measurePairs } from './measure-pairs.ts'

const CALLERS = 64
const ROUND_TRIPS = 50

/** What is measured, and how. */
export interface BenchPlan {
  readonly connection: Connection
  /** As on the command line: what other processes connect with. */
  readonly database: DatabaseOptions
  readonly seconds: number
  readonly signal: AbortSignal
}

/** Measures one thing after the other, in a table of its own, which is dropped in the end. */
export async function runBench({ connection, database, seconds, signal }: BenchPlan): Promise<BenchResult> {
  const patient = await openPatient(connection)
  const durability = await durabilityOf(patient)
  const roundTripMs = await medianRoundTripMs(connection)
  await using bench = await BenchTable.create(connection)
  const locks = connection.openLocks({ label: 'verrou bench' }, bench.table)
  using progress = new BenchProgress(3 * seconds)
  progress.begin('one caller')
  const oneCaller = await measurePairs(locks, 1, seconds, signal)
  progress.begin(`${CALLERS} callers`)
  const manyCallers = await measurePairs(locks, CALLERS, seconds, signal)
  progress.begin('hand-over between two processes')
  const handOver = await measureHandOver({ database, table: bench.table, seconds }, signal)
  await locks.close()
  const { engine } = patient
  return {
    ...{ database: connection.url, engine, roundTripMs, durability, seconds },
    ...{ oneCaller, manyCallers: { callers: CALLERS, ...manyCallers }, handOver },
  }
}

async function medianRoundTripMs({ db }: Connection): Promise<number> {
  const tookMs: number[] = []
  await db.connection().execute(async (connection) => {
    for (let n = 0; n < ROUND_TRIPS; n++) {
      const startMs = performance.now()
      await sql`select 1`.execute(connection)
      tookMs.push(performance.now() - startMs)
    }
  })
  return tookMs.sort((a, b) => a - b)[ROUND_TRIPS / 2] as number
}
