import { mkdir, mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { atDatabase, createTables } from './admin-database.ts'
import { violationsIn } from './checks/checks.ts'
import type { TortureDatabase } from './databases/torture-database.ts'
import type { Evidence, InjectedFault, Span, Violation } from './evidence.ts'
import { FakeTime, fakeTimeLibrary } from './fake-time.ts'
import type { FaultKind } from './fault.ts'
import { FaultyProxy } from './faulty-proxy.ts'
import { findLeftovers } from './find-leftovers.ts'
import { gatherEvidence } from './gather-evidence.ts'
import { sharedTime } from './history.ts'
import { type Injection, injectPlan } from './inject-plan.ts'
import { LockSampler } from './lock-sampler.ts'
import { NETWORK_FAULTS } from './nemeses/network/network-faults.ts'
import { processFaults } from './nemeses/process/process-faults.ts'
import { serverFaults } from './nemeses/server/server-faults.ts'
import { type Calm, type Plan, planOf } from './plan.ts'
import { Random } from './random.ts'
import { RowSampler } from './row-sampler.ts'
import { workFor } from './work/work-kinds.ts'
import { WorkerProcess } from './worker-process.ts'
import { withWorkerUser } from './worker-user.ts'
import { WORKERS } from './workers.ts'

export interface TortureOptions {
  readonly database: TortureDatabase
  readonly seed: number
  readonly durationMs: number
  /** A broken build of the library, by name. */
  readonly broken?: string | undefined
  /** Looks every so often, and ends as soon as one of these checks complains. */
  readonly stopsAt?: readonly string[] | undefined
  /** Only these kinds of work. */
  readonly only?: readonly string[] | undefined
  /** Only faults of these kinds. */
  readonly faults?: readonly string[] | undefined
  readonly onProgress?: ((progress: Progress) => void) | undefined
  /** Ends it early, in good order. */
  readonly signal?: AbortSignal | undefined
}

export interface Progress {
  readonly phase: 'starting' | 'storm' | 'calm' | 'finishing' | 'checking'
  readonly elapsedMs: number
  readonly injection: Injection | undefined
  /** Where the histories are. */
  readonly folder: string
}

export interface Verdict {
  readonly plan: Plan
  readonly evidence: Evidence
  readonly violations: readonly Violation[]
  /** The histories; the caller removes it. */
  readonly folder: string
}

const TABLE = 'verrou_locks'

/** After the last fault everybody must be done within this: the longest timeout, and a lease and a half. */
const FINISH_WITHIN_MS = 15_000

/** The longest lease that work takes, and a bit: what somebody who was killed has left behind has ended then. */
const LEASES_END_MS = 10_500

/** A look takes a fraction of that. */
const LAST_LOOKS_MS = 1_000

const LOOK_EVERY_MS = 1_000
/** A look reads all that there is: it must not take the machine from those who are looked at. */
const LOOK_SHARE = 0.1

/** All kinds of faults that this database can have. */
export function faultsOf(database: TortureDatabase): FaultKind[] {
  const { family } = database
  const network = family === 'sqlite' ? [] : NETWORK_FAULTS
  return [...processFaults(family), ...network, ...serverFaults(family), ...database.faults]
}

/** Makes real processes work with locks, makes trouble, and checks what came of it. */
export async function torture(given: TortureOptions): Promise<Verdict> {
  const database = withWorkerUser(given.database)
  const options = { ...given, database }
  const { seed, durationMs, onProgress = () => {} } = options
  const folder = await mkdtemp(join(tmpdir(), 'verrou-torture-'))
  const kinds = faultsOf(database).filter(({ name }) => options.faults?.includes(name) ?? true)
  for (const name of options.faults ?? [])
    if (!kinds.some((kind) => kind.name === name))
      throw new Error(`--faults: "${name}" is no fault of ${database.name}`)
  if (workFor(options.only, database.hasSessionLocks).length === 0)
    throw new Error(
      `--work: ${options.only?.join(', ')} is no work for ${database.name}; leave it out, or name other work`,
    )
  const { turningPoint } = database
  const plan = planOf(seed, durationMs, kinds, options.faults ? undefined : turningPoint)
  await createTables(database, TABLE)
  const stage = await setStage(options, folder)
  const ending = new AbortController()
  options.signal?.addEventListener('abort', () => ending.abort())
  const scene = { database, workers: stage.workers, proxies: stage.proxies, tableName: TABLE }
  const sampler = database.family === 'mysql' ? new RowSampler(database, TABLE) : undefined
  const lockSampler = database.hasSessionLocks ? new LockSampler(database, TABLE) : undefined
  try {
    sampler?.start()
    lockSampler?.start()
    for (const worker of stage.workers) worker.start()
    await sleep(1_000)
    const startedAt = sharedTime()
    const injection = injectPlan(plan, [...kinds, ...(turningPoint ? [turningPoint] : [])], scene, ending.signal)
    const calms = () => plan.calms.map((calm) => undisturbed(calm, startedAt, injection.injected))
    const gather = (more: Pick<Evidence, 'isOver' | 'leftovers' | 'unfinished'>) =>
      gatherEvidence({
        ...{ database, tableName: TABLE, folder, calms: calms(), faults: injection.injected },
        ...{ sampler, lockSampler, ...more },
        loss: database.maySuffer && injection.injected.find(({ kind }) => kind === turningPoint?.name),
      })
    const elapsedMs = () => (sharedTime() - startedAt) / 1000
    const isCalm = () => plan.calms.some(({ fromMs, untilMs }) => elapsedMs() > fromMs && elapsedMs() < untilMs)

    let lookAt = LOOK_EVERY_MS
    while (elapsedMs() < durationMs && !ending.signal.aborted) {
      onProgress({ phase: isCalm() ? 'calm' : 'storm', elapsedMs: elapsedMs(), injection, folder })
      await sleep(Math.min(500, Math.max(1, durationMs - elapsedMs())))
      if (!options.stopsAt || elapsedMs() < lookAt) continue
      const lookedAtMs = elapsedMs()
      // The server may be down at this moment.
      const evidence = await gather({ isOver: false, leftovers: [], unfinished: [] }).catch(() => undefined)
      const violations = evidence ? violationsIn(evidence) : []
      if (evidence && violations.some(({ check }) => options.stopsAt?.includes(check))) {
        ending.abort()
        await injection.done
        return { plan, evidence, violations, folder }
      }
      lookAt = elapsedMs() + Math.max(LOOK_EVERY_MS, (elapsedMs() - lookedAtMs) / LOOK_SHARE)
    }
    onProgress({ phase: 'finishing', elapsedMs: elapsedMs(), injection, folder })
    ending.abort()
    await injection.done
    await database.heal()
    const unfinished = await finish(stage.workers)
    // What was released last is seen, too. Then no more: their own looks are transactions.
    await sleep(LAST_LOOKS_MS)
    await Promise.all([sampler?.stop(), lockSampler?.stop()])
    const leftovers = await leftoversOf(database)
    onProgress({ phase: 'checking', elapsedMs: elapsedMs(), injection, folder })
    const evidence = await gather({ isOver: true, leftovers, unfinished })
    return { plan, evidence, violations: violationsIn(evidence), folder }
  } finally {
    ending.abort()
    await Promise.all([sampler?.stop(), lockSampler?.stop()])
    await stage.strike()
  }
}

/** What is still there when every lease has run out. */
async function leftoversOf(database: TortureDatabase): Promise<string[]> {
  return await atDatabase(database, TABLE, async (send) => {
    const until = performance.now() + LEASES_END_MS
    for (;;) {
      const found = await findLeftovers(database, TABLE, send)
      if (found.length === 0 || performance.now() > until) return found
      await sleep(250)
    }
  })
}

/** By the shared clock: a fault may have been over later than was planned. */
function undisturbed({ fromMs, untilMs }: Calm, startedAt: number, faults: readonly InjectedFault[]): Span {
  const planned = { from: startedAt + fromMs * 1000, until: startedAt + untilMs * 1000 }
  const late = faults.filter(({ from, until }) => from < planned.until && until > planned.from)
  return { from: Math.max(planned.from, ...late.map(({ until }) => until)), until: planned.until }
}

interface Stage {
  readonly workers: readonly WorkerProcess[]
  readonly proxies: readonly FaultyProxy[]
  /** Ends all of it. */
  strike(): Promise<void>
}

/** Workers that are not started yet, each behind a proxy, with a time of day of its own. */
async function setStage({ database, seed, broken, only }: TortureOptions, folder: string): Promise<Stage> {
  const isFile = database.family === 'sqlite'
  const library = isFile ? undefined : await fakeTimeLibrary()
  const random = new Random(seed * 31 + 17)
  const clocks = join(folder, 'clocks')
  await mkdir(clocks)
  const proxies: FaultyProxy[] = []
  const workers: WorkerProcess[] = []
  for (let index = 0; index < WORKERS; index++) {
    const time = new FakeTime(library, join(clocks, String(index)))
    await time.set(random.percent(50) ? random.integer(-259_200, 259_200) : 0)
    const url = new URL(isFile ? 'file:' : database.workerUrl())
    if (!isFile) {
      const proxy = await FaultyProxy.listen(() => database.endpointOf(index))
      proxies.push(proxy)
      url.host = `127.0.0.1:${proxy.port}`
    }
    const settings = {
      ...{ family: database.family, tableName: TABLE, folder, atOnce: isFile ? 3 : 5, broken, only },
      url: isFile ? database.workerUrl() : url.href,
      store: index % 2 === 0 ? ('driver' as const) : ('kysely' as const),
      // Of a broken build all: what is broken may be the batches.
      batch: broken !== undefined || index % 4 < 2,
      presence: database.hasSessionLocks && index % 8 >= 4,
      hasSessionLocks: database.hasSessionLocks,
    }
    workers.push(new WorkerProcess(index, settings, time))
  }
  // Who is connected to a server that is no longer the one finds out when it answers no more.
  return {
    workers,
    proxies,
    async strike() {
      for (const worker of workers) worker.stop()
      await Promise.all(proxies.map((proxy) => proxy.close()))
      await rm(clocks, { recursive: true, force: true })
    },
  }
}

async function finish(workers: readonly WorkerProcess[]): Promise<string[]> {
  const outcomes = await Promise.all(
    workers.map(async (worker) => {
      const isDone = await worker.finish(FINISH_WITHIN_MS)
      const late = isDone
        ? []
        : [`worker ${worker.index} had not finished ${FINISH_WITHIN_MS / 1000} s after the last fault`]
      return worker.complaints.trim() === '' ? late : [...late, `worker ${worker.index}: ${worker.complaints.trim()}`]
    }),
  )
  return outcomes.flat()
}
