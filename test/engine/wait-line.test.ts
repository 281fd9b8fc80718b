import fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { acquire } from '../../src/engine/acquire.ts'
import { BackgroundGiveBack } from '../../src/engine/give-back.ts'
import type { Grant } from '../../src/engine/grant.ts'
import { handingOver } from '../../src/engine/hand-over.ts'
import { release } from '../../src/engine/keep.ts'
import type { KeptHold } from '../../src/engine/kept-hold.ts'
import { WaitLines } from '../../src/engine/wait-lines.ts'
import { isLockError, type LeaseRequest, type LockStore } from '../../src/index.ts'
import { resolveRetry } from '../../src/options.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { StoreTrouble } from '../../src/store-trouble.ts'
import { FakeClock } from '../support/fake-clock.ts'

/** Every lease of the waiters lasts for longer than anything here takes; that of the stranger, who comes first, does not. */
const TTL_US = 3_600_000_000
const STRANGER_TTL_MS = 400
const STRANGER = { key: 'k', owner: 'stranger', attempt: 'stranger', ttlUs: STRANGER_TTL_MS * 1000, heldBy: 't' }

/** What happens beside the waiters' own doing, once each and at any moment. */
type Happening =
  | { readonly what: 'release' }
  | { readonly what: 'expire' }
  | { readonly what: 'wake' }
  | { readonly what: 'close' }
  | { readonly what: 'pass'; readonly ms: number }
  | { readonly what: 'abort'; readonly waiter: number }

const happening: fc.Arbitrary<Happening> = fc.oneof(
  fc.constantFrom<Happening>({ what: 'release' }, { what: 'expire' }, { what: 'wake' }),
  fc.record({ what: fc.constant('pass' as const), ms: fc.constantFrom(1, 9, 60, 260) }),
  fc.record({ what: fc.constant('abort' as const), waiter: fc.nat(2) }),
)
/** `lost`: done, but the answer never comes; `undone`: the database undid it. */
const fault = fc.constantFrom('none', 'none', 'none', 'none', 'lost', 'undone')

const schedule = fc.record({
  timeoutsMs: fc.array(fc.constantFrom(Number.POSITIVE_INFINITY, Number.POSITIVE_INFINITY, 50, 300), {
    minLength: 1,
    maxLength: 3,
  }),
  happenings: fc.array(happening, { maxLength: 8 }),
  isClosed: fc.boolean(),
  hearsOthers: fc.boolean(),
  faults: fc.oneof(fc.constant([]), fc.array(fault, { minLength: 10, maxLength: 40 })),
})
type Schedule = typeof schedule extends fc.Arbitrary<infer Drawn> ? Drawn : never

/** A process with up to three waiters for one key, which a stranger holds at first. Every call of the store is carried out, and answered, when the scheduler says so. */
class World {
  readonly clock = new FakeClock()
  readonly memory = new MemoryStore(() => Math.round(this.clock.nowMs() * 1000) + 1_000_000)
  readonly closing = new AbortController()
  readonly aborts: AbortController[]
  readonly lines: WaitLines
  readonly granted: number[] = []
  readonly outcomes: string[] = []
  readonly violations: string[] = []
  /** Who believes that it holds the key. */
  readonly #holders = new Set<number>()
  readonly #scheduler: fc.Scheduler
  readonly #faults: string[]
  readonly #engine
  isReliable = false

  constructor(scheduler: fc.Scheduler, { timeoutsMs, faults, hearsOthers }: Schedule) {
    this.#scheduler = scheduler
    this.#faults = [...faults]
    this.aborts = timeoutsMs.map(() => new AbortController())
    const timing = { clock: this.clock, chance: () => 0.5 }
    const store = this.#slow(hearsOthers)
    const giveBack = new BackgroundGiveBack(store, timing, (key) => this.lines.freed(key))
    this.lines = new WaitLines({ store, timing, giveBack })
    this.#engine = {
      ...{ store, timing, giveBack, waiting: this.lines },
      handingOver: handingOver({ store, timing, giveBack, lines: this.lines }),
    }
  }

  async wait(waiter: number, timeoutMs: number): Promise<void> {
    const request: LeaseRequest = {
      ...{ key: 'k', owner: `o${waiter}`, attempt: `a${waiter}`, ttlUs: TTL_US, heldBy: 't' },
    }
    const retry = { ...resolveRetry(undefined), timeoutMs }
    try {
      const grant = await acquire(this.#engine, request, retry, this.closing.signal, this.aborts[waiter]?.signal)
      this.outcomes[waiter] = grant ? 'granted' : 'refused'
      if (grant) await this.#hold(waiter, request, grant)
    } catch (error) {
      this.outcomes[waiter] = isLockError(error) ? error.code : String(error)
    }
  }

  async #hold(waiter: number, { key, owner }: LeaseRequest, grant: Grant): Promise<void> {
    if (this.#holders.size > 0) this.violations.push(`${waiter} was granted the key while ${[...this.#holders]} had it`)
    this.#holders.add(waiter)
    this.granted.push(waiter)
    await this.#scheduler.schedule(Promise.resolve(), `work of ${waiter}`)
    this.#holders.delete(waiter)
    const hold: KeptHold = {
      ...{ key, owner, ttlUs: TTL_US, isReleaseUnconfirmed: false, isGuarded: false },
      ...grant,
    }
    const isReleased = await release(this.#engine, hold)
    if (!isReleased) this.violations.push(`the hold of ${waiter} was gone`)
  }

  happen(happening: Happening): void {
    const { what } = happening
    if (what === 'release') void this.memory.abandon('k', STRANGER.attempt)
    if (what === 'expire') this.clock.jump(STRANGER_TTL_MS + 1)
    if (what === 'wake') this.memory.wakeSource.wake('k')
    if (what === 'pass') this.clock.jump(happening.ms)
    if (what === 'abort') this.aborts[happening.waiter]?.abort('aborted')
    if (what === 'close') this.closing.abort('closed')
  }

  /** The memory store behind a slow and faulty network. */
  #slow(hearsOthers: boolean): LockStore {
    const methods = ['tryAcquire', 'release', 'abandon', 'handOver', 'want', 'inspect'] as const
    const slowly = Object.fromEntries(
      methods.map((name) => [name, (...given: unknown[]) => this.#call(name, given)] as const),
    )
    return { ...slowly, wakeSource: hearsOthers ? this.memory.wakeSource : undefined } as unknown as LockStore
  }

  async #call(name: 'tryAcquire', given: unknown[]): Promise<unknown>
  async #call(name: string, given: unknown[]): Promise<unknown>
  async #call(name: string, given: unknown[]): Promise<unknown> {
    await this.#scheduler.schedule(Promise.resolve(), `${name} is carried out`)
    const fault = this.isReliable ? 'none' : this.#faults.shift()
    if (fault === 'undone') throw new StoreTrouble('transient', new Error('undone'))
    const method = this.memory[name as keyof MemoryStore] as (...given: unknown[]) => Promise<unknown>
    const answer = await method.apply(this.memory, given)
    await this.#scheduler.schedule(Promise.resolve(), `${name} is answered`)
    if (fault === 'lost') throw new StoreTrouble('unanswered', new Error('lost'))
    return answer
  }
}

/** One step: what the scheduler picks, or else time goes on to the next timer. @returns whether anything can happen yet */
async function step(world: World, scheduler: fc.Scheduler): Promise<boolean> {
  await new Promise((resolve) => setImmediate(resolve))
  const nextMs = world.clock.nextMs
  if (scheduler.count() > 0) await scheduler.waitOne()
  else if (nextMs !== undefined && nextMs < 60_000) world.clock.jump(nextMs)
  else return false
  return true
}

async function run(scheduler: fc.Scheduler, drawn: Schedule): Promise<World> {
  const world = new World(scheduler, drawn)
  await world.memory.tryAcquire(STRANGER)
  const waiters = drawn.timeoutsMs.map((timeoutMs, waiter) => world.wait(waiter, timeoutMs))
  const happenings: Happening[] = [...drawn.happenings, ...(drawn.isClosed ? [{ what: 'close' as const }] : [])]
  for (const one of happenings) void scheduler.schedule(Promise.resolve(), one.what).then(() => world.happen(one))

  let settled = 0
  for (const waiter of waiters) void waiter.then(() => settled++)
  for (let steps = 0; steps < 80; steps++) await step(world, scheduler)
  // From here on the database answers well, and the stranger goes by itself: now everybody must come to an end.
  world.isReliable = true
  for (let steps = 0; steps < 1_000 && (await step(world, scheduler)); steps++);
  if (settled < waiters.length) world.violations.push(`${waiters.length - settled} waiters were lost`)
  return world
}

describe('a line of waiters', () => {
  test('whatever happens in whatever order: nobody is lost, nobody is granted twice, the order holds, and nothing is left', async () => {
    await fc.assert(
      fc.asyncProperty(fc.scheduler(), schedule, async (scheduler, drawn) => {
        const world = await run(scheduler, drawn)
        expect(world.violations).toEqual([])
        expect(world.granted).toEqual([...world.granted].sort())
        for (const [waiter, outcome] of world.outcomes.entries()) {
          const allowed = ['granted', 'refused', 'aborted', 'closed', 'E_LOCK_STORAGE_ERROR']
          expect(allowed, `${waiter}`).toContain(outcome)
          const mayBeRefused = Number.isFinite(drawn.timeoutsMs[waiter])
          if (outcome === 'refused') expect(mayBeRefused).toBe(true)
        }
        expect(world.lines.size + world.memory.wakeSource.size).toBe(0)
        const left = await world.memory.inspect('k')
        expect([null, STRANGER.owner]).toContain(left?.owner)
      }),
      { numRuns: 3_000 },
    )
  })
})
