import { memoryStore } from '../../src/drivers/memory.ts'
import { type Lock, LockFactory, type LockStore, type TransactionLocks, Verrou } from '../../src/index.ts'
import type { Anything, PublicCall, World } from './public-call.ts'
import { isKey, isShort, isTtl } from './rules.ts'
import { ADAPTER_CALLS, STORE_CALLS } from './store-calls.ts'

const isLockOn = (value: Anything, a: Anything) => value.key === a
const isBoolean = (value: Anything) => typeof value === 'boolean'
const ran = ([acquired, result]: Anything, _a?: Anything) => (acquired ? result === 'result' : result === null)
const work = () => 'result'

const LOCKS: Record<string, PublicCall> = {
  createLock: {
    call: ({ locks }, a, b) => locks.createLock(a, b),
    isRight: isLockOn,
    isAccepted: (a, b) => isKey(a) && isTtl(b),
  },
  'createLock in a transaction': {
    call: ({ within }, a, b) => within.createLock(a, b),
    isRight: isLockOn,
    isAccepted: (a, b) => isKey(a) && isTtl(b),
  },
  acquire: { call: ({ fresh }, a) => taken(fresh(), (lock) => lock.acquire(a)), isRight: isBoolean },
  'acquire: retry': {
    call: ({ fresh }, retry) => taken(fresh(), (lock) => lock.acquire({ retry })),
    isRight: isBoolean,
  },
  'acquire: each of retry': {
    call: ({ fresh }, attempts, delay, timeout) =>
      taken(fresh(), (lock) => lock.acquire({ retry: { attempts, delay, timeout } })),
    isRight: (value, _attempts, _delay, timeout) => value || isShort(timeout),
  },
  'acquire: what is held': {
    call: ({ busy }, attempts, delay) => busy.acquire({ retry: { attempts, delay, timeout: 1 } }),
    isRight: (value) => value === false,
  },
  'acquire: signal': {
    call: ({ fresh }, signal) => taken(fresh(), (lock) => lock.acquire({ signal })),
    isRight: (value) => value === true,
  },
  run: { call: ({ fresh }, a, b) => fresh().run(a, b), isForeign: true },
  'run: what is returned': {
    call: async ({ fresh }, a) => fresh().run(() => [a]),
    isRight: ([, [value]], a) => Object.is(value, a),
  },
  'run: what is thrown': {
    call: async ({ fresh }, a) => {
      const boxed = await fresh()
        .run(() => Promise.reject(a))
        .then(
          () => [],
          (error: unknown) => [error],
        )
      return { boxed }
    },
    isRight: ({ boxed }, a) => boxed.length === 1 && Object.is(boxed[0], a),
  },
  'run: keeping': { call: ({ fresh }, keepAlive, maxHold) => fresh().run(work, { keepAlive, maxHold }), isRight: ran },
  runImmediately: { call: ({ fresh }, a) => fresh().runImmediately(a), isForeign: true },
  hold: {
    call: async ({ fresh }, a, keepAlive, maxHold) => {
      const hold = await fresh().hold(a ?? { keepAlive, maxHold })
      await hold.release()
      return hold
    },
    isRight: (hold) => Number.isSafeInteger(hold.fencingToken),
  },
  extend: {
    async call({ fresh }, ttl) {
      const lock = fresh()
      await lock.acquire()
      const extended = await lock.extend(ttl).then(
        () => true,
        (error) => error,
      )
      await lock.forceRelease()
      if (extended !== true) throw extended
      return extended
    },
    isAccepted: (ttl) => isTtl(ttl) && (isShort(ttl) ? undefined : true),
  },
  'a hold: extend': {
    async call({ fresh }, ttl) {
      const hold = await fresh().hold()
      await hold.extend(ttl)
    },
    isAccepted: (ttl) => isTtl(ttl) && (isShort(ttl) ? undefined : true),
  },
  'a hold: guard, transaction': {
    async call({ fresh }, transaction, begin) {
      const hold = await fresh().hold()
      await hold.guard(transaction)
      await hold.transaction(begin, work)
    },
    isForeign: true,
  },
  guard: { call: ({ fresh }, a) => fresh().guard(a), isForeign: true },
  transaction: { call: ({ fresh }, a, b) => fresh().transaction(a, b), isForeign: true },
  restoreLock: { call: ({ locks }, a) => locks.restoreLock(a), isRight: ({ key }) => isKey(key) },
  'restoreLock: each field': {
    call: ({ locks }, owner, ttl, expirationTime) =>
      locks.restoreLock({ key: 'k', owner, ttl, expirationTime, token: 1 }),
    isRight: (lock, owner) =>
      lock.getOwner() === owner && isPlain(lock.serialize()) && isRemaining(lock.getRemainingTime()),
  },
  'restoreLock: key and token': {
    call: ({ within }, key, token) => within.restoreLock({ key, owner: 'o', ttl: 1, expirationTime: null, token }),
    isRight: isLockOn,
  },
}

const FACTORIES: Record<string, PublicCall> = {
  runOncePer: { call: ({ locks }, a, b, c) => locks.runOncePer(a, b, work, c), isRight: ran },
  'runOncePer: options': {
    call: ({ locks, fresh }, ttl, onError, maxHold) =>
      locks.runOncePer(fresh().key, '1h', work, { ttl, onError, maxHold }),
    isRight: ran,
  },
  lastRun: {
    call: ({ locks }, a) => locks.lastRun(a),
    // An earlier call can have run once under that very key.
    isRight: (value) => value === null || typeof value.hasFailed === 'boolean',
    isAccepted: isKey,
  },
  inspect: {
    call: ({ locks }, a) => locks.inspect(a),
    isRight: (value, key) => value === null || (value.key === key && Number.isSafeInteger(value.token)),
    isAccepted: isKey,
  },
  list: { call: ({ locks }, a) => locks.list(a), isRight: isPage },
  'list: options': {
    call: ({ locks }, prefix, after, limit) => locks.list({ prefix, after, limit, state: 'all' }),
    isRight: (value, prefix = '', after = '', limit = 100) =>
      isPage(value) &&
      value.locks.length <= limit &&
      value.locks.every(({ key }: { key: string }) => key.startsWith(prefix) && key !== after),
  },
  prune: { call: ({ locks }, a) => locks.prune(a), isRight: ({ removed }) => removed >= 0 },
  'prune: options': {
    call: ({ locks }, retention, signal) => locks.prune({ retention, signal }),
    isRight: ({ removed }) => removed >= 0,
  },
  elect: { call: ({ locks }, a, b) => locks.elect(a, b), isForeign: true },
  'elect: options': {
    call: ({ locks, fresh }, ttl, signal) => locks.elect(fresh().key, work, { ttl: atLeast(ttl), signal }),
    isRight: (value) => value === 'result',
  },
  on: { call: ({ locks }, a, b) => locks.on(a, b), isRight: (value) => typeof value === 'function' },
  within: { call: ({ locks }, a, b) => locks.within(a, b), isForeign: true },
  lockUntilCommit: { call: ({ within }, a, b) => within.lockUntilCommit(a, b), isForeign: true },
  'lockUntilCommit: options': {
    call: ({ within, fresh }, timeout, signal) => within.lockUntilCommit(fresh().key, { timeout, signal }),
    isRight: (value, timeout) => (value === false ? isShort(timeout) : Number.isSafeInteger(value.fencingToken)),
  },
  LockFactory: { call: (_world, a, b) => new LockFactory(a, b), isForeign: true },
  'LockFactory: options': {
    call: (_world, label, retry, maxHold) =>
      new LockFactory(memoryStore(), { label, retry, maxHold, keepAlive: false }),
    isRight: (value) => value instanceof LockFactory,
  },
  Verrou: { call: (_world, a) => new Verrou(a), isForeign: true },
  'Verrou: stores': { call: (_world, a, b) => new Verrou({ default: a, stores: b }), isForeign: true },
  'Verrou: names': {
    call: (_world, a, b) => new Verrou({ default: asName(a), stores: { [asName(b)]: { driver: memoryStore() } } }),
    isRight: (value, a, b) => value instanceof Verrou && asName(a) === asName(b),
  },
  'Verrou: use': {
    call: (_world, a, b) =>
      new Verrou({ default: asName(b), stores: { [asName(b)]: { driver: memoryStore() } } }).use(a),
    isRight: (value, a, b) => value instanceof LockFactory && a === asName(b),
  },
  memoryStore: { call: (_world, a) => memoryStore(a), isRight: (value) => 'tryAcquire' in value },
  'memoryStore: nowMs': {
    call: (_world, nowMs) => new LockFactory(memoryStore({ nowMs })).createLock('k').acquire(),
    isForeign: true,
  },
  'memoryStore: what nowMs returns': {
    call: (_world, a) => new LockFactory(memoryStore({ nowMs: () => a })).createLock('k').acquire(),
    isRight: (value) => value === true,
  },
}

const asName = (given: unknown) => (typeof given === 'string' ? given : 'x')

/** As short as the lease of a leader gets, it must be longer than a round trip: else there is one election after the other, as promised. */
const atLeast = (ttl: Anything) =>
  typeof ttl === 'number' && ttl > 0 && ttl < 1e4 ? 1e4 : typeof ttl === 'string' && isTtl(ttl) ? '30s' : ttl

const isPlain = (given: object) =>
  Object.values(given).every((one) => one === null || typeof one === 'string' || Number.isFinite(one))
const isRemaining = (given: unknown) =>
  given === null || (typeof given === 'number' && given >= 0 && Number.isFinite(given))

function isPage({ locks, nextAfter }: Anything): boolean {
  return Array.isArray(locks) && (nextAfter === null || locks.at(-1)?.key === nextAfter)
}

/** Takes, and gives back. */
async function taken(lock: Lock, take: (lock: Lock) => Promise<boolean>): Promise<boolean> {
  const isTaken = await take(lock)
  if (isTaken) await lock.forceRelease()
  return isTaken
}

/** Every public function and method that takes something. */
export const PUBLIC_CALLS: Readonly<Record<string, PublicCall>> = {
  ...LOCKS,
  ...FACTORIES,
  ...STORE_CALLS,
  ...ADAPTER_CALLS,
}

/** A store whose locks are tried out. */
export function worldOf(store: LockStore, within: TransactionLocks): World {
  let keys = 0
  const locks = new LockFactory(store)
  const busy = locks.createLock('busy', null)
  return { locks, busy, within, fresh: () => locks.createLock(`fresh:${++keys}`) }
}
