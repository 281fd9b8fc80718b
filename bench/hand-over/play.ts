import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { cpus } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import type { BenchDatabase } from './bench-database.ts'
import type { Hold, Report, Task } from './worker.ts'

/** One line of the table: who waits, and how. */
export interface Setting {
  readonly processes: number
  readonly waiters: number
  readonly holdMs: number
  readonly pauseMs: number
  readonly delayMs: number | undefined
  readonly seconds: number
}

/** What was seen in one run, of the time that was measured. */
export interface Played {
  /** In the order of their tokens. */
  readonly holds: readonly (Hold & { readonly process: number })[]
  readonly seconds: number
  readonly processes: number
  readonly cpuMs: number
  readonly statements: number | undefined
  /** How busy the whole machine was, 0 to 1. */
  readonly machineBusy: number
}

const WARM_UP_MS = 1_000

/** Beyond the time it should take: a worker that hangs is a finding, and must not look like a long run. */
const PATIENCE_MS = 30_000

/** Runs one setting in new processes. */
export async function play(database: BenchDatabase, setting: Setting): Promise<Played> {
  const originNs = process.hrtime.bigint()
  const measureMs = setting.seconds * 1000
  const { family, url } = database
  const { waiters, holdMs, pauseMs, delayMs } = setting
  const task: Task = {
    family,
    url,
    waiters,
    holdMs,
    pauseMs,
    delayMs,
    warmUpMs: WARM_UP_MS,
    measureMs,
    originNs: `${originNs}`,
  }
  const children = Array.from({ length: setting.processes }, () =>
    fork(new URL('./worker.ts', import.meta.url), { serialization: 'advanced' }),
  )
  const lose = () => {
    for (const child of children) child.kill('SIGKILL')
  }
  const impatience = setTimeout(lose, measureMs + PATIENCE_MS)
  try {
    for (const child of children) child.send(task)
    await Promise.all(children.map(nextMessage))
    const reported = Promise.all(children.map(nextMessage))
    reported.catch(() => {})
    for (const child of children) child.send('go')
    await sleep(WARM_UP_MS)
    const fromNs = Number(process.hrtime.bigint() - originNs)
    const [before, machineBefore] = [await database.statementsSoFar(), machineTimes()]
    await sleep(measureMs)
    const [after, machineAfter] = [await database.statementsSoFar(), machineTimes()]
    const reports = (await reported) as Report[]
    const holds = reports.flatMap((report, index) => holdsIn(report).map((hold) => ({ ...hold, process: index })))
    const toNs = fromNs + measureMs * 1e6
    return {
      holds: holds
        .filter(({ grantedNs }) => grantedNs >= fromNs && grantedNs < toNs)
        .sort((one, other) => one.token - other.token),
      seconds: setting.seconds,
      processes: setting.processes,
      cpuMs: sum(reports.map(({ cpuMs }) => cpuMs)),
      statements:
        family === 'sqlite'
          ? sum(reports.map(({ statementsSent }) => statementsSent))
          : before === undefined || after === undefined
            ? undefined
            : after - before,
      machineBusy: (machineAfter.busy - machineBefore.busy) / (machineAfter.all - machineBefore.all),
    }
  } finally {
    clearTimeout(impatience)
    for (const child of children) child.kill()
  }
}

async function nextMessage(child: ChildProcess): Promise<unknown> {
  const over = new AbortController()
  const gone = once(child, 'exit', { signal: over.signal }).then(([code]) => {
    throw new Error(`a worker ended with ${code}`)
  })
  gone.catch(() => {})
  try {
    const [message] = (await Promise.race([once(child, 'message', { signal: over.signal }), gone])) as unknown[]
    return message
  } finally {
    over.abort()
  }
}

function holdsIn({ holds }: Report): Hold[] {
  const found: Hold[] = []
  for (let at = 0; at < holds.length; at += 4) {
    const [token = 0, askedNs = 0, grantedNs = 0, releasedNs = 0] = holds.slice(at, at + 4)
    found.push({ token, askedNs, grantedNs, releasedNs })
  }
  return found
}

function machineTimes(): { busy: number; all: number } {
  const times = cpus().map((cpu) => cpu.times)
  const all = sum(times.flatMap((one) => Object.values(one)))
  return { all, busy: all - sum(times.map(({ idle }) => idle)) }
}

function sum(numbers: readonly number[]): number {
  return numbers.reduce((total, one) => total + one, 0)
}
