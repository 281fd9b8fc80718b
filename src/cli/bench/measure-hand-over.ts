import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { moduleBeside } from '../module-beside.ts'
import { type Distribution, Durations } from './distribution.ts'
import type { HandOverHold, HandOverNews, HandOverTask } from './hand-over-worker.ts'

/** Beyond the time that is measured: a process that hangs must not look like a long measurement. */
const PATIENCE_MS = 30_000

/** Two processes want one key all the time. Counts how often it goes from one to the other, and how long after the release began the other has it. */
export async function measureHandOver(task: HandOverTask, signal: AbortSignal): Promise<Distribution> {
  const until = AbortSignal.any([signal, AbortSignal.timeout(task.seconds * 1000 + PATIENCE_MS)])
  const file = moduleBeside('hand-over-worker', import.meta.url)
  const children = [0, 1].map(() => fork(file, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] }))
  try {
    for (const child of children) child.send(task)
    await Promise.all(children.map((child) => newsOf(child, 'ready', until)))
    const done = Promise.all(children.map((child) => newsOf(child, 'done', until)))
    for (const child of children) child.send('go')
    const holds = (await done).flatMap((news, process) =>
      news.kind === 'done' ? news.holds.map((hold) => ({ ...hold, process })) : [],
    )
    return distributionOf(holds, task.seconds)
  } finally {
    for (const child of children) child.kill('SIGKILL')
  }
}

interface ProcessHold extends HandOverHold {
  readonly process: number
}

/** Only where the other process was waiting already: otherwise it would be measured when it came. */
function distributionOf(holds: ProcessHold[], seconds: number): Distribution {
  const durations = new Durations('hand-over between two processes')
  holds.sort((a, b) => a.grantedNs - b.grantedNs)
  for (const [index, next] of holds.entries()) {
    const last = holds[index - 1]
    if (!last || last.process === next.process || next.askedNs >= last.releasedNs) continue
    durations.record(Math.max(0, next.grantedNs - last.releasedNs) / 1e6)
  }
  return durations.distribution(seconds)
}

async function newsOf(child: ChildProcess, kind: HandOverNews['kind'], signal: AbortSignal): Promise<HandOverNews> {
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal])
  const gone = once(child, 'exit', { signal: until }).then(([code, killedBy]) => {
    throw new Error(`a process of the measurement ended with ${code ?? killedBy}`)
  })
  gone.catch(() => {})
  try {
    const [news] = (await Promise.race([once(child, 'message', { signal: until }), gone])) as [HandOverNews]
    if (news.kind === 'failed') throw new Error(news.reason)
    if (news.kind !== kind) throw new Error(`a process of the measurement says ${news.kind} instead of ${kind}`)
    return news
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    over.abort()
  }
}
