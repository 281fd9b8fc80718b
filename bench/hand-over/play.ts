import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { setTimeout as sleep } from 'node:timers/promises'
import { POOL_SIZE } from '../measure/contender.ts'
import type { PeerName } from '../peers/peers.ts'
import type { Place } from '../places/place.ts'
import type { Hold, Report, Task } from './worker.ts'

/** Who waits, and how. */
export interface Setting {
  readonly peer: PeerName
  readonly key: string
  readonly processes: number
  /** In each process. */
  readonly waiters: number
  /** How long each one keeps the key. */
  readonly holdMs: number
  /** How long each one does something else before it asks again. */
  readonly pauseMs: number
  readonly seconds: number
}

/** What was seen in one run, of the time that was measured. */
export interface Played {
  /** In the order in which they were granted. */
  readonly holds: readonly (Hold & { readonly process: number })[]
  readonly seconds: number
  readonly processes: number
  readonly cpuMs: number
  /** `undefined`: nobody counts. */
  readonly statements: number | undefined
}

const WARM_UP_MS = 1_000

/** Beyond the time it should take: a worker that hangs is a finding, and must not look like a long run. */
const PATIENCE_MS = 60_000
const END_PATIENCE_MS = 3_000

/** Runs one setting in new processes. */
export async function play(place: Place, setting: Setting, signal: AbortSignal): Promise<Played> {
  signal.throwIfAborted()
  const originNs = process.hrtime.bigint()
  const measureMs = setting.seconds * 1000
  const task: Task = {
    ...{ peer: setting.peer, url: place.url, poolSize: POOL_SIZE, tableName: undefined, key: setting.key },
    ...{
      waiters: setting.waiters,
      holdMs: setting.holdMs,
      pauseMs: setting.pauseMs,
      warmUpMs: WARM_UP_MS,
      measureMs,
      originNs: `${originNs}`,
    },
  }
  const children = Array.from({ length: setting.processes }, () =>
    fork(new URL('./worker.ts', import.meta.url), { serialization: 'advanced' }),
  )
  const until = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(measureMs + PATIENCE_MS))])
  try {
    for (const child of children) child.send(task)
    await Promise.all(children.map((child) => nextMessage(child, until)))
    const reported = Promise.all(children.map((child) => nextMessage(child, until)))
    reported.catch(() => {})
    for (const child of children) child.send('go')
    await sleep(WARM_UP_MS, undefined, { signal: until })
    const fromNs = Number(process.hrtime.bigint() - originNs)
    const before = await place.counters()
    await sleep(measureMs, undefined, { signal: until })
    const toNs = Number(process.hrtime.bigint() - originNs)
    const after = await place.counters()
    const reports = (await reported) as Report[]
    const holds = reports.flatMap((report, index) => holdsIn(report).map((hold) => ({ ...hold, process: index })))
    return {
      holds: holds
        .filter(({ grantedNs }) => grantedNs >= fromNs && grantedNs < toNs)
        .sort((one, other) => one.grantedNs - other.grantedNs),
      seconds: (toNs - fromNs) / 1e9,
      processes: setting.processes,
      cpuMs: reports.reduce((total, { cpuMs }) => total + cpuMs, 0),
      statements:
        before.statements === undefined || after.statements === undefined
          ? undefined
          : after.statements - before.statements,
    }
  } finally {
    await Promise.all(children.map(end))
  }
}

/** Whoever has the key gives it back; who cannot be told to stop waiting is not waited for. */
async function end(child: ChildProcess): Promise<void> {
  if (child.exitCode !== null || child.signalCode !== null) return
  const gone = once(child, 'exit')
  const impatience = setTimeout(() => child.kill('SIGKILL'), END_PATIENCE_MS)
  await gone
  clearTimeout(impatience)
}

async function nextMessage(child: ChildProcess, signal: AbortSignal): Promise<unknown> {
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal])
  const gone = once(child, 'exit', { signal: until }).then(([code]) => {
    throw new Error(`a worker ended with ${code}`)
  })
  gone.catch(() => {})
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: until }), gone])) as unknown[]
    return message
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    over.abort()
  }
}

function holdsIn({ holds }: Report): Hold[] {
  const found: Hold[] = []
  for (let at = 0; at < holds.length; at += 3) {
    const [askedNs = 0, grantedNs = 0, releasedNs = 0] = holds.slice(at, at + 3)
    found.push({ askedNs, grantedNs, releasedNs })
  }
  return found
}
