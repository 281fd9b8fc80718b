// node bench/experiments/pruning-beside-acquires.ts [rows]   (VERROU_BENCH_POSTGRES_URL, else a server of its own)
// What somebody who takes and gives back locks notices of a `prune` in another process: one caller, before, during and after.
import { fork } from 'node:child_process'
import { createHistogram } from 'node:perf_hooks'
import pg from 'pg'
import { pgStore } from '../../src/drivers/pg.ts'
import { LockFactory } from '../../src/index.ts'
import { obtainServer } from '../servers/obtain-server.ts'
import { BenchDatabase } from './bench-database.ts'

const QUIET_MS = 10_000
/** Keys that the caller goes through, spread over the rows that are removed. */
const KEYS = 100

const [first, url] = process.argv.slice(2)
if (first === 'prune') await prune(String(url))
else await measure(Number(first ?? 300_000))

async function measure(rows: number): Promise<void> {
  const server = await obtainServer('postgres', process.env)
  const database = await BenchDatabase.create({ name: 'postgres', family: 'postgres', url: server.url })
  const pool = new pg.Pool({ connectionString: database.url, max: 2 })
  pool.on('error', () => {})
  process.stdout.write(`${database.version}, ${server.isDurable ? 'durable' : 'NOT durable'}, ${rows} free rows\n`)
  await pool.query(
    `insert into verrou_locks (key, token, expires_at, acquired_at)
     select 'key:' || lpad(n::text, 8, '0'), 5, 5, 5 from generate_series(1, $1::integer) as n`,
    [rows],
  )
  await pool.query('vacuum analyze verrou_locks')
  await pool.query('checkpoint')

  const locks = new LockFactory(pgStore({ pool }))
  const call = async (n: number) => {
    const lock = locks.createLock(`key:${String(((n % KEYS) * rows) / KEYS).padStart(8, '0')}:busy`, '30s')
    await lock.acquire()
    await lock.release()
  }
  await observed('warm-up', call, sleepUntil(3_000))
  await observed('before', call, sleepUntil(QUIET_MS))
  const pruning = fork(import.meta.filename, ['prune', database.url])
  await observed('while pruning', call, new Promise((ended) => pruning.on('close', ended)))
  await observed('after', call, sleepUntil(QUIET_MS))
  const left = await pool.query('select count(*)::integer as n from verrou_locks')
  process.stdout.write(`${left.rows[0]?.n} rows left\n`)

  await locks.close()
  await pool.end()
  await database.drop()
  await server.stop()
}

/** One caller, until the other thing has ended. */
async function observed(what: string, call: (n: number) => Promise<void>, until: Promise<unknown>): Promise<void> {
  const histogram = createHistogram()
  let isOver = false
  void until.then(() => {
    isOver = true
  })
  const startMs = performance.now()
  let calls = 0
  for (; !isOver; calls++) {
    const sentAtMs = performance.now()
    await call(calls)
    histogram.record(Math.max(1, Math.round((performance.now() - sentAtMs) * 1000)))
  }
  const perSecond = calls / ((performance.now() - startMs) / 1000)
  const told = [50, 99, 99.9].map((percent) => `p${percent} ${ms(histogram.percentile(percent))}`)
  process.stdout.write(`${what}: ${Math.round(perSecond)} pairs/s, ${told.join(', ')}, longest ${ms(histogram.max)}\n`)
}

function ms(us: number): string {
  return `${(us / 1000).toFixed(2)} ms`
}

function sleepUntil(afterMs: number): Promise<void> {
  return new Promise((resolve) => setTimeout(resolve, afterMs))
}

async function prune(databaseUrl: string): Promise<void> {
  const pool = new pg.Pool({ connectionString: databaseUrl, max: 1 })
  const locks = new LockFactory(pgStore({ pool }))
  const startMs = performance.now()
  const { removed } = await locks.prune()
  process.stdout.write(`  removed ${removed} rows in ${((performance.now() - startMs) / 1000).toFixed(1)} s\n`)
  await locks.close()
  await pool.end()
}
