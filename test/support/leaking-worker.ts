// node --expose-gc leaking-worker.ts
// Takes locks in several ways, forgets them, and prints what each way leads to, as JSON.
import { setTimeout as sleep } from 'node:timers/promises'
import { memoryStore } from '../../src/drivers/memory.ts'
import { type LeakedEvent, LockFactory, type LockFactoryOptions } from '../../src/index.ts'

/** What became of locks that were taken in one way. */
export interface LeakOutcome {
  readonly leaks: readonly Omit<LeakedEvent, 'token' | 'heldMs'>[]
  /** Warnings of the process, and lines of the logger. */
  readonly warnings: readonly string[]
  readonly isLocked: boolean
}

const hold = (locks: LockFactory) => locks.createLock('k').hold()
const acquire = (locks: LockFactory) => locks.createLock('k').acquire()

class Biller {
  held: unknown

  async begin(locks: LockFactory): Promise<void> {
    this.held = await locks.createLock('k').hold()
  }
}

async function signalLookedAt(locks: LockFactory): Promise<void> {
  const { signal } = await locks.createLock('k').hold()
  signal.addEventListener('abort', () => {})
}

async function released(locks: LockFactory): Promise<void> {
  {
    await using _held = await locks.createLock('a').hold()
  }
  const lock = locks.createLock('b')
  await lock.acquire()
  await lock.release()
  await locks.createLock('c').run(() => {})
}

async function inLoop(locks: LockFactory): Promise<void> {
  for (let index = 0; index < 20; index++) await locks.createLock(`k${index}`).hold()
}

interface Case {
  readonly take: (locks: LockFactory) => Promise<unknown>
  readonly options?: LockFactoryOptions
  readonly environment?: string
  readonly isLogged?: boolean
}

const leakWarnings = true

const CASES: Readonly<Record<string, Case>> = {
  hold: { take: hold },
  'hold in a class': { take: (locks) => new Biller().begin(locks) },
  'hold whose signal was looked at': { take: signalLookedAt },
  'hold that is kept alive': { take: (locks) => locks.createLock('k', 60_000).hold({ keepAlive: true }) },
  'hold in a loop': { take: inLoop },
  'hold, with a logger': { take: hold, isLogged: true },
  'hold, not wanted': { take: hold, options: { leakWarnings: false } },
  'hold, in production': { take: hold, environment: 'production' },
  'hold, in production, wanted': { take: hold, environment: 'production', options: { leakWarnings } },
  acquire: { take: acquire },
  'acquire, wanted': { take: acquire, options: { leakWarnings } },
  released: { take: released, options: { leakWarnings } },
  serialized: { take: async (locks) => (await hold(locks)).serialize(), options: { leakWarnings } },
}

const warned: string[] = []
process.on('warning', ({ name, message, ...rest }) =>
  warned.push(`${name} ${(rest as { code?: string }).code}: ${message}`),
)
const logger = {
  debug() {},
  info() {},
  warn: (facts: object, message: string) => void warned.push(`${Object.keys(facts)} ${message}`),
  error() {},
}

async function outcomeOf({ take, options = {}, environment = 'development', isLogged }: Case): Promise<LeakOutcome> {
  process.env.NODE_ENV = environment
  const locks = new LockFactory(memoryStore(), { ...options, ...(isLogged ? { logger } : {}) })
  const leaks: LeakOutcome['leaks'][number][] = []
  locks.on('leaked', ({ token, heldMs, ...leak }) => leaks.push(leak))
  warned.splice(0)
  await take(locks)
  // What is collected is told when there is time for it.
  for (let round = 0; round < 4; round++) {
    await sleep(2)
    globalThis.gc?.()
  }
  await sleep(2)
  return { leaks, warnings: [...warned], isLocked: await locks.createLock('k').isLocked() }
}

const outcomes: Record<string, LeakOutcome> = {}
for (const [name, one] of Object.entries(CASES)) outcomes[name] = await outcomeOf(one)
console.log(JSON.stringify(outcomes))
process.exit(0)
