// Every instance of an app has the same timer. The report is written once a night all the same: by whoever comes first.
//   npm run build && node examples/nightly-report.ts
import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { LockFactory } from 'verrou-sql'
import { sqliteStore } from 'verrou-sql/drivers/better-sqlite3'

const database = new Database('reports.db')
database.pragma('journal_mode = wal')
const locks = new LockFactory(sqliteStore({ database, autoCreateTable: true }))

if (process.argv[2] === 'instance') await timerRings()
else await main()
await locks.close()
database.close()

/** What every instance does at two o'clock. The timers do not ring at the same moment: hence 23 hours, and not 24. */
async function timerRings(): Promise<void> {
  const [ran] = await locks.runOncePer('nightly-report', '23h', writeReport, { onError: 'retry' })
  if (ran) console.log('the report was written') // the report was written
}

async function writeReport({ signal }: { signal: AbortSignal }): Promise<void> {
  await sleep(100, undefined, { signal })
}

async function main(): Promise<void> {
  await runInstances(3)

  const last = await locks.lastRun('nightly-report')
  console.log(last?.hasFailed, last && last.endedAt - last.startedAt >= 90) // false true

  // It was wrong, and is wanted again: whoever comes next writes it.
  await locks.createLock('nightly-report').forceRelease()
  const [again] = await locks.runOncePer('nightly-report', '23h', writeReport)
  console.log(again) // true
}

async function runInstances(count: number): Promise<void> {
  const instances = Array.from({ length: count }, () =>
    spawn(process.execPath, [import.meta.filename, 'instance'], { stdio: 'inherit' }),
  )
  await Promise.all(instances.map((instance) => once(instance, 'exit')))
}
