import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { test } from 'vitest'
import { isSelected } from '../servers/selection.ts'
import { emptyFolder, type RunningCommand, runVerrou, startVerrou } from '../support/cli.ts'
import { Random } from '../torture/random.ts'
import { preparePostgres } from '../torture/servers/prepare-postgres.ts'
import { isRunning } from '../torture/servers/process-family.ts'
import type { RestartableServer } from '../torture/servers/restartable-server.ts'

const TORTURE_MS = 20_000
const TTL_MS = 3_000
/** Long enough for the lease to end meanwhile. */
const STOP_MS = TTL_MS + 4_000
/** Most would go on beyond the lease, if nobody ended them. */
const WORK_MS = [200, 10_000, 10_000]
const GRACE_MS = 300
const KEYS = ['one', 'other']
const LOOPS_PER_KEY = 2
const SEED = Date.now() % 2 ** 31

/** One line of guarded-work.ts. */
interface Note {
  readonly key: string
  /** A session lock has none. */
  readonly token: number | null
  readonly pid: number
  readonly left: number
  readonly atUs: number
}

/** A command that ran under a lock: from its first sign of life to its last. */
interface Work {
  readonly key: string
  /** A session lock has none. */
  readonly token: number | null
  readonly pid: number
  readonly left: number
  readonly fromUs: number
  readonly toUs: number
}

/** What is done in one stretch of time. */
interface Torment {
  readonly signals: readonly NodeJS.Signals[]
  /** How often the server crashes. */
  readonly crashes: number
  readonly forMs: number
}

interface Kind {
  readonly name: string
  readonly options: readonly string[]
  readonly torments: readonly Torment[]
  readonly hasTokens: boolean
  /** So long two may run at once. */
  readonly mostOverlapMs: number
}

const ENDING: readonly NodeJS.Signals[] = ['SIGTERM', 'SIGKILL', 'SIGKILL', 'SIGINT']

const KINDS: readonly Kind[] = [
  {
    name: 'with a lease, verrou run never runs two at once',
    options: ['--ttl', `${TTL_MS}ms`],
    torments: [{ signals: [...ENDING, 'SIGSTOP', 'SIGSTOP'], crashes: 2, forMs: TORTURE_MS }],
    hasTokens: true,
    mostOverlapMs: 0,
  },
  {
    // A lock that ends with its session can be had by the next one before the first one has heard of it, and has ended its command.
    name: 'with a session lock, verrou run runs two at once for moments only',
    options: ['--session'],
    // A holder that is stopped hears nothing of a crash: docs/guide/session-locks.md says so.
    torments: [
      { signals: [...ENDING, 'SIGSTOP', 'SIGSTOP'], crashes: 0, forMs: TORTURE_MS / 2 },
      { signals: ENDING, crashes: 2, forMs: TORTURE_MS / 2 },
    ],
    hasTokens: false,
    mostOverlapMs: GRACE_MS + 1_000,
  },
]

test.runIf(isSelected('postgres-18')).concurrent.for(KINDS)(
  `killed, stopped and without its server: $name, and leaves nothing behind (seed ${SEED})`,
  { timeout: 180_000 },
  async ({ options, torments, hasTokens, mostOverlapMs }, { expect, onTestFinished }) => {
    const random = new Random(SEED)
    const { folder, remove } = emptyFolder()
    const server = await preparePostgres('postgres-18')
    onTestFinished(async () => {
      await server.process.stop()
      remove()
    })
    await server.start()
    const settings = { cwd: folder, env: { DATABASE_URL: server.url } }
    expect(await runVerrou(['migrate'], settings)).toMatchObject({ code: 0 })

    const file = join(folder, 'notes')
    const end = new AbortController()
    const running = new Set<RunningCommand>()
    const atWork = new Set<RunningCommand>()
    const loops = KEYS.flatMap((key) => Array.from({ length: LOOPS_PER_KEY }, () => key)).map(async (key) => {
      while (!end.signal.aborted) {
        const work = [process.execPath, join(import.meta.dirname, 'guarded-work.ts'), file]
        const how = [String(random.pick(WORK_MS)), random.pick(['deaf', 'hearing'])]
        const given = ['run', key, ...options, '--grace', `${GRACE_MS}ms`, '--', ...work, ...how]
        const command = startVerrou(given, settings)
        running.add(command)
        void command.printed('at work').then(
          () => atWork.add(command),
          () => {},
        )
        await command.ended
        running.delete(command)
        atWork.delete(command)
        // Without a server, it fails at once.
        await sleep(100)
      }
    })

    // On a machine with much to do, it takes seconds until the first ones are at work.
    await expect.poll(() => atWork.size, { timeout: 60_000 }).toBe(KEYS.length)
    const done: Record<string, number>[] = []
    for (const each of torments) done.push(await torment(random, { running, atWork }, server, each))
    end.abort()
    for (const command of running) command.process.kill('SIGTERM')
    await Promise.all(loops)

    const works = worksIn(file)
    const told = `${works.length} commands, ${JSON.stringify(done)}`
    console.log(told)
    expect(pairsAtOnce(works, mostOverlapMs), told).toEqual([])
    if (hasTokens) expect(tokensOutOfOrder(works), told).toEqual([])
    else expect(works.filter(({ token }) => token !== null)).toEqual([])
    await expect
      .poll(() => works.flatMap(({ pid, left }) => [pid, left]).filter(isRunning), { timeout: 10_000 })
      .toEqual([])
    for (const key of KEYS) {
      expect(await runVerrou(['run', key, ...options, '--wait', '20s', '--', 'true'], settings)).toMatchObject({
        code: 0,
      })
    }
    expect(works.length, told).toBeGreaterThan(KEYS.length)
  },
)

interface Victims {
  readonly running: ReadonlySet<RunningCommand>
  /** Those that have the lock. */
  readonly atWork: ReadonlySet<RunningCommand>
}

/** What is done to the commands, and to the server. @returns how often */
async function torment(
  random: Random,
  { running, atWork }: Victims,
  server: RestartableServer,
  { signals, crashes, forMs }: Torment,
) {
  const done: Record<string, number> = { crash: 0 }
  const count = (what: string) => {
    done[what] = (done[what] ?? 0) + 1
  }
  const untilMs = performance.now() + forMs
  const restarts = (async () => {
    for (let crash = 0; crash < crashes; crash++) {
      await sleep(forMs / 3)
      await server.process.end(random.pick(['SIGKILL', 'SIGQUIT', 'SIGINT']))
      await sleep(300)
      await server.start()
      count('crash')
    }
  })()
  const paused = new Set<RunningCommand>()
  const stopped: Promise<void>[] = []
  while (performance.now() < untilMs) {
    await sleep(random.integer(200, 900))
    // What is stopped stays stopped until its lease has ended.
    const victims = [...(random.percent(80) ? atWork : running)].filter((one) => !paused.has(one))
    if (victims.length === 0) continue
    const victim = random.pick(victims)
    const { process } = victim
    const signal = random.pick(signals)
    process.kill(signal)
    count(signal)
    if (signal !== 'SIGSTOP') continue
    paused.add(victim)
    stopped.push(sleep(STOP_MS).then(() => void process.kill('SIGCONT')))
  }
  await Promise.all([restarts, ...stopped])
  return done
}

function worksIn(file: string): Work[] {
  const works = new Map<number, Work>()
  for (const line of readFileSync(file, 'utf8').trim().split('\n')) {
    const { atUs, ...note } = JSON.parse(line) as Note
    const { fromUs = atUs } = works.get(note.pid) ?? {}
    works.set(note.pid, { ...note, fromUs, toUs: atUs })
  }
  return [...works.values()].toSorted((one, other) => one.fromUs - other.fromUs)
}

/** Of each key, who began while another one was not done, for longer than it may be. */
function pairsAtOnce(works: readonly Work[], mostOverlapMs: number): string[] {
  return KEYS.flatMap((key) => {
    const own = works.filter((work) => work.key === key)
    return own.slice(1).flatMap((work, index) => {
      const earlierUs = Math.max(...own.slice(0, index + 1).map(({ toUs }) => toUs))
      return work.fromUs > earlierUs - mostOverlapMs * 1_000
        ? []
        : [`${key}: ${work.pid} began ${earlierUs - work.fromUs} µs too early`]
    })
  })
}

function tokensOutOfOrder(works: readonly Work[]): Work[] {
  return works.filter((work, index) =>
    works.slice(0, index).some(({ key, token }) => key === work.key && Number(token) >= Number(work.token)),
  )
}
