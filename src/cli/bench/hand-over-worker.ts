// One of the two processes that hand a key back and forth: forked by measure-hand-over.ts, which sends it a HandOverTask.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import type { TableOptions } from '../../options.ts'
import { connect } from '../connect.ts'
import type { DatabaseOptions } from '../database-command.ts'
import { reasonOf } from '../output/reason-of.ts'

/** What a worker is told. */
export interface HandOverTask {
  readonly database: DatabaseOptions
  readonly table: TableOptions
  readonly seconds: number
}

/** One time that it had the key: nanoseconds of the clock that all processes of the machine share. */
export interface HandOverHold {
  readonly askedNs: number
  readonly grantedNs: number
  /** Just before the release was begun. */
  readonly releasedNs: number
}

/** What it tells. */
export type HandOverNews =
  | { readonly kind: 'ready' }
  | { readonly kind: 'done'; readonly holds: readonly HandOverHold[] }
  | { readonly kind: 'failed'; readonly reason: string }

const ELSEWHERE_MS = 5

process.once('message', (task: HandOverTask) => {
  work(task).catch((error) => say({ kind: 'failed', reason: reasonOf(error) }))
})
// Ctrl-C reaches every process of the terminal; the parent decides what it means for us.
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())

async function work({ database, table, seconds }: HandOverTask): Promise<void> {
  await using connection = await connect(database)
  const locks = connection.openLocks({ label: `verrou bench ${process.pid}` }, table)
  await locks.createLock(`warm-up:${process.pid}`).run(() => {})
  const started = new Promise((resolve) => process.once('message', resolve))
  await say({ kind: 'ready' })
  await started

  const holds: HandOverHold[] = []
  for (const endNs = nowNs() + seconds * 1e9; nowNs() < endNs; ) {
    const askedNs = nowNs()
    await locks.createLock('hand-over', '30s').run(async () => {
      const grantedNs = nowNs()
      await turn()
      holds.push({ askedNs, grantedNs, releasedNs: nowNs() })
    })
    // The other one has it meanwhile: who asks again at once is quicker than any waiter.
    await sleep(ELSEWHERE_MS)
  }
  await say({ kind: 'done', holds })
}

function nowNs(): number {
  return Number(process.hrtime.bigint())
}

function say(news: HandOverNews): Promise<void> {
  return new Promise((resolve) => {
    process.send?.(news, () => resolve())
  })
}
