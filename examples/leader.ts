// Of several instances of an app, one is the scheduler. When it crashes, another one is, after its TTL at most; when it is shut down, at once.
//   npm run build && DATABASE_URL=postgres://… node examples/leader.ts
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { LockFactory } from 'verrou-sql'
import { pgStore } from 'verrou-sql/drivers/pg'

if (process.argv[2] === 'instance') await instance()
else await main()

async function instance(): Promise<void> {
  const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
  pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
  const locks = new LockFactory(pgStore({ pool, autoCreateTable: true }))
  // Closing aborts the leader's signal, and gives the office back.
  process.once('SIGTERM', () => locks.close())

  const lead = async ({ signal, term }: { signal: AbortSignal; term: number }) => {
    process.send?.(term)
    // Schedule what is due; write `term` along, so that a leader that was paused can be told from the present one.
    while (!signal.aborted) await sleep(20)
  }
  await locks.elect('scheduler', lead, { ttl: '2s' })

  await locks.close()
  await pool.end()
  process.disconnect?.()
}

async function main(): Promise<void> {
  const first = startInstance()
  const firstTerm = await termOf(first)

  const second = startInstance()
  first.kill('SIGKILL')
  const secondTerm = await termOf(second)
  console.log(secondTerm > firstTerm) // true

  const third = startInstance()
  const resigned = once(second, 'exit')
  second.kill('SIGTERM')
  console.log((await termOf(third)) > secondTerm) // true
  console.log(await resigned) // [ 0, null ]

  third.kill('SIGTERM')
  await once(third, 'exit')
}

function startInstance(): ChildProcess {
  return spawn(process.execPath, [import.meta.filename, 'instance'], { stdio: ['ignore', 'inherit', 'inherit', 'ipc'] })
}

async function termOf(instance: ChildProcess): Promise<number> {
  const [term] = await once(instance, 'message')
  return term
}
