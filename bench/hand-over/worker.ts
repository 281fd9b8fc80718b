// One of the processes that hand a key back and forth: forked by play.ts, which sends it a Task.
import { setTimeout as sleep, setImmediate as turn } from 'node:timers/promises'
import { PEERS } from '../peers/peers.ts'
import type { Opening } from '../workers/orders.ts'

/** What a worker is told. */
export interface Task extends Opening {
  readonly key: string
  readonly waiters: number
  readonly holdMs: number
  /** How long each one does something else before it asks again. */
  readonly pauseMs: number
  readonly warmUpMs: number
  readonly measureMs: number
  /** What moments are counted from, nanoseconds of the machine's monotonic clock, which all processes share. */
  readonly originNs: string
}

/** One time that a caller had the key: moments in nanoseconds. */
export interface Hold {
  readonly askedNs: number
  readonly grantedNs: number
  /** Just before the release was begun. */
  readonly releasedNs: number
}

/** What a worker tells in the end. */
export interface Report {
  /** Three numbers for each hold, in the order of {@link Hold}: there are many. */
  readonly holds: number[]
  readonly cpuMs: number
}

process.once('message', (task: Task) => {
  work(task).catch((error) => {
    console.error(error)
    process.exit(1)
  })
})
process.on('SIGINT', () => {})
process.on('disconnect', () => process.exit())

async function work(task: Task): Promise<void> {
  const peer = await (await PEERS[task.peer]()).open(task)
  const run = peer.run
  if (run === undefined) throw new Error(`${task.peer} cannot wait`)
  await (await peer.take(`warm up ${process.pid}`, 1_000))?.release()
  const originNs = BigInt(task.originNs)
  const nowNs = () => Number(process.hrtime.bigint() - originNs)
  const holds: number[] = []
  const over = new AbortController()

  const wait = async () => {
    while (!over.signal.aborted) {
      const askedNs = nowNs()
      const hold = async () => {
        const grantedNs = nowNs()
        // Those that cannot be told to stop waiting come here after the end.
        if (task.holdMs > 0 && !over.signal.aborted) await sleep(task.holdMs)
        holds.push(askedNs, grantedNs, nowNs())
      }
      await run(task.key, hold, over.signal)
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
  const cpuBefore = process.cpuUsage()
  await sleep(task.measureMs)
  const { user, system } = process.cpuUsage(cpuBefore)
  over.abort()
  await said({ holds, cpuMs: (user + system) / 1000 } satisfies Report)
  await Promise.all(waiting)
  await peer.close()
  process.disconnect()
}

function said(message: 'ready' | Report): Promise<void> {
  return new Promise((sent) => {
    process.send?.(message, () => sent())
  })
}
