import { setTimeout as sleep } from 'node:timers/promises'
import type { InjectedFault } from './evidence.ts'
import type { FaultKind, Scene } from './fault.ts'
import { sharedTime } from './history.ts'
import type { Plan, PlannedFault } from './plan.ts'

/** What is going on, for whoever watches. */
export interface Injection {
  /** Grows while it goes on. */
  readonly injected: readonly InjectedFault[]
  /** What is broken at this moment. */
  active(): string[]
  /** All faults are over, or have been ended. */
  readonly done: Promise<void>
}

/** Makes the trouble that was planned, when it was planned. */
export function injectPlan(plan: Plan, kinds: readonly FaultKind[], scene: Scene, signal: AbortSignal): Injection {
  const { turningPoint } = scene.database
  const startedAt = performance.now()
  const injected: InjectedFault[] = []
  const active = new Set<PlannedFault>()

  const inject = async (planned: PlannedFault): Promise<void> => {
    const kind = kinds.find(({ name }) => name === planned.kind)
    if (kind === undefined) throw new Error(`there is no fault "${planned.kind}"`)
    const { details, lane } = planned
    const from = sharedTime()
    active.add(planned)
    const failure = await failureOf(() => kind.inject(details, scene, signal))
    active.delete(planned)
    injected.push({ kind: kind.name, lane, details, from, until: sharedTime(), ...(failure ? { failure } : {}) })
  }

  const skip = ({ kind, lane, details }: PlannedFault, failure: string) => {
    const at = sharedTime()
    injected.push({ kind, lane, details, from: at, until: at, failure })
  }

  const wait = async ({ atMs }: PlannedFault): Promise<boolean> => {
    await sleep(Math.max(0, startedAt + atMs - performance.now()), undefined, { signal }).catch(() => {})
    return !signal.aborted
  }

  const isCalm = () => {
    const elapsedMs = performance.now() - startedAt
    return plan.calms.some(({ fromMs, untilMs }) => elapsedMs >= fromMs && elapsedMs < untilMs)
  }
  // Those before may have taken longer than was planned. A failover comes, however late.
  const oneByOne = async (faults: readonly PlannedFault[]) => {
    for (const fault of faults) {
      if (!(await wait(fault))) return
      if (isCalm() && fault.kind !== turningPoint?.name) skip(fault, 'too late: the storm was over')
      else await inject(fault)
    }
  }
  const asPlanned = async (fault: PlannedFault) => {
    if (await wait(fault)) await inject(fault)
  }
  const ofServer = plan.faults.filter(({ lane }) => lane === 'server')
  const others = plan.faults.filter(({ lane }) => lane !== 'server')
  const done = Promise.all([oneByOne(ofServer), ...others.map(asPlanned)]).then(() => {})
  return { injected, active: () => [...active].map(({ kind }) => kind), done }
}

async function failureOf(inject: () => Promise<void>): Promise<string | undefined> {
  try {
    await inject()
    return undefined
  } catch (error) {
    return error instanceof Error ? error.message : String(error)
  }
}
