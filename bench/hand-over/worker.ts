// One of the processes that hand the key back and forth: forked by play.ts, which sends it a Task. The public API only.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { LockFactory } from '../../src/index.ts'
import { openStore } from './open-store.ts'

/** What a worker is told. */
export interface Task {
  readonly family: 'postgres' | 'mysql' | 'sqlite'
  readonly url: string
  readonly waiters: number
  readonly holdMs: number
  readonly pauseMs: number
  readonly delayMs: number | undefined
  readonly warmUpMs: number
  readonly measureMs: number
  /** What moments are counted from, nanoseconds of the machine's monotonic clock, which all processes share. */
  readonly originNs: string
}

/** One time that a caller had the key: moments in nanoseconds. */
export interface Hold {
  readonly token: number
  readonly askedNs: number
  readonly grantedNs: number
  /** Just before the release was begun. */
  readonly releasedNs: number
}

/** What a worker tells in the end. */
export interface Report {
  /** Four numbers for each hold, in the order of {@link Hold}: there are many. */
  readonly holds: number[]
  readonly cpuMs: number
  readonly statementsSent: number
}

process.once('message', (task: Task | 'go') => {
  work(task as Task).catch((error) => {
    console.error(error)
    process.exit(1)
  })
})
process.on('disconnect', () => process.exit())

async function work(task: Task): Promise<void> {
  const opened = await openStore(task.family, task.url)
  const locks = new LockFactory(opened.store, task.delayMs === undefined ? {} : { retry: { delay: task.delayMs } })
  await locks.createLock(`warm up ${process.pid}`).run(() => {})
  const originNs = BigInt(task.originNs)
  const nowNs = () => Number(process.hrtime.bigint() - originNs)
  const holds: number[] = []
  const over = new AbortController()

  const wait = async () => {
    while (!over.signal.aborted) {
      const askedNs = nowNs()
      await locks.createLock('the key', '60s').run(
        async ({ fencingToken }) => {
          const grantedNs = nowNs()
          if (task.holdMs > 0) await sleep(task.holdMs)
          holds.push(fencingToken, askedNs, grantedNs, nowNs())
        },
        { signal: over.signal },
      )
      // Through better-sqlite3 a whole run may take no turn of the event loop: without this, no timer would ever ring.
      await (task.pauseMs > 0 ? sleep(task.pauseMs) : turn())
    }
  }
  await said('ready')
  await new Promise((go) => process.once('message', go))
  const waiting = Array.from({ length: task.waiters }, () =>
    wait().catch((error) => {
      if (!over.signal.aborted) throw error
    }),
  )
  await sleep(task.warmUpMs)
  const [cpuBefore, sentBefore] = [process.cpuUsage(), opened.statementsSent()]
  await sleep(task.measureMs)
  const cpu = process.cpuUsage(cpuBefore)
  const statementsSent = opened.statementsSent() - sentBefore
  over.abort()
  await Promise.all(waiting)
  await locks.close()
  await opened[Symbol.asyncDispose]()
  await said({ holds, cpuMs: (cpu.user + cpu.system) / 1000, statementsSent } satisfies Report)
  process.disconnect()
}

function said(message: 'ready' | Report): Promise<void> {
  return new Promise((sent) => {
    process.send!(message, () => sent())
  })
}
