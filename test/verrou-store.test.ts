import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { E_LOCK_NOT_OWNED, E_LOCK_STORAGE_ERROR, LockFactory, Verrou } from '@verrou/core'
import { memoryStore as verrouMemoryStore } from '@verrou/core/drivers/memory'
import type { StoreFactory } from '@verrou/core/types'
import pg from 'pg'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { memoryStore } from '../src/drivers/memory.ts'
import { pgStore } from '../src/drivers/pg.ts'
import { type VerrouDriver, verrouStore } from '../src/verrou/verrou-store.ts'
import { type SuiteContext, suiteContext } from './suite/suite-context.ts'
import { runChild } from './support/child.ts'
import { directBackends, tableBackends } from './support/contract-backends.ts'
import { verrouSuite } from './support/verrou-suite.ts'

// The tests of their suite run side by side: they mostly sleep.
vi.setConfig({ maxConcurrency: 15 })

/** The contract of their drivers, as their types say it. */
const fits = (driver: VerrouDriver): StoreFactory['driver'] => driver

for (const backend of directBackends()) {
  describe(`the test suite of @verrou/core: ${backend.name}`, () => {
    const context = suiteContext(backend)
    verrouSuite(() => verrouStore(context.open.store()).factory())
  })
}

for (const backend of tableBackends()) {
  test(`two processes count exactly, under locks of @verrou/core: ${backend.name}`, async () => {
    const open = await backend.open()
    const folder = mkdtempSync(join(tmpdir(), 'verrou-count-'))
    const counter = join(folder, 'counter')
    writeFileSync(counter, '0')
    const args = [JSON.stringify(open.address), counter, '50']
    const ended = await Promise.all([1, 2].map(() => runChild('verrou-worker.ts', args)))
    expect(ended).toEqual(Array(2).fill({ code: 0, output: '' }))
    expect(readFileSync(counter, 'utf8')).toBe('100')
    rmSync(folder, { recursive: true })
    await open.close()
  })
}

for (const backend of directBackends()) {
  describe(`a driver of @verrou/core: ${backend.name}`, () => {
    const context = suiteContext(backend)
    describe('errors', () => errorsOf(context))
    describe('what our stores add', () => exclusionOf(context))
    describe('handing over', () => handingOverOf(context))
  })
}

function errorsOf(context: SuiteContext): void {
  test("a stranger's release and extension are their E_LOCK_NOT_OWNED, with our error as its cause", async () => {
    const locks = verrouOn(context)
    const key = context.key()
    await locks.createLock(key, '30s').acquire()
    const stranger = locks.createLock(key, '30s')
    for (const call of [() => stranger.release(), () => stranger.extend()]) {
      const error = await errorOf(call())
      expect(error).toBeInstanceOf(E_LOCK_NOT_OWNED)
      expect(error).toMatchObject({ message: expect.stringContaining('a lock that is not acquired by you') })
      expect(error).toMatchObject({ code: 'E_LOCK_NOT_OWNED', cause: { name: 'LockError' } })
    }
  })

  test('a second release is refused', async () => {
    const lock = verrouOn(context).createLock(context.key(), '30s')
    await lock.acquire()
    await lock.release()
    expect(await errorOf(lock.release())).toBeInstanceOf(E_LOCK_NOT_OWNED)
  })

  test.each(['', 'a\0b', 'x'.repeat(1_025)])('the key %j is refused by every call, as E_INVALID_KEY', async (key) => {
    const lock = verrouOn(context).createLock(key, '30s')
    for (const call of [() => lock.acquire(), () => lock.release(), () => lock.extend(), () => lock.isLocked()]) {
      expect(await errorOf(call())).toMatchObject({ code: 'E_INVALID_KEY' })
    }
    expect(await errorOf(lock.forceRelease())).toMatchObject({ code: 'E_INVALID_KEY' })
  })

  test.each([0, -1, Number.NaN])('a TTL of %d is E_INVALID_DURATION, and no lock for ever', async (ttl) => {
    const lock = verrouOn(context).createLock(context.key(), ttl)
    expect(await errorOf(lock.acquire())).toMatchObject({ code: 'E_INVALID_DURATION' })
  })
}

function exclusionOf(context: SuiteContext): void {
  afterEach(() => vi.restoreAllMocks())

  test("a process whose clock is an hour ahead takes nobody's lock", async () => {
    const theirs = verrouMemoryStore().factory()
    const ours = verrouStore(context.open.store()).factory()
    const key = context.key()
    for (const store of [theirs, ours]) expect(await store.save(key, 'ada', 30_000)).toBe(true)

    const hourAhead = Date.now() + 3_600_000
    vi.spyOn(Date, 'now').mockReturnValue(hourAhead)
    expect(await theirs.save(key, 'bob', 30_000)).toBe(true) // what this test is about
    expect(await ours.save(key, 'bob', 30_000)).toBe(false)
  })

  test('a lease that is over cannot be extended, even if nobody has taken it', async () => {
    const lock = verrouOn(context).createLock(context.key(), '10s')
    await lock.acquire()
    await context.open.pass(11_000)
    expect(await errorOf(lock.extend())).toBeInstanceOf(E_LOCK_NOT_OWNED)
    await lock.release() // nobody has it: nobody is hurt
  })

  test('a late release does not free the lock of the next holder', async () => {
    const locks = verrouOn(context)
    const key = context.key()
    const late = locks.createLock(key, '10s')
    const next = locks.createLock(key, '30s')
    await late.acquire()
    await context.open.pass(11_000)
    expect(await next.acquireImmediately()).toBe(true)
    expect(await errorOf(late.release())).toBeInstanceOf(E_LOCK_NOT_OWNED)
    expect(await next.isLocked()).toBe(true)
    await next.release()
  })

  test('their locks and ours on the same table exclude each other', async () => {
    const key = context.key()
    const theirs = verrouOn(context).createLock(key, '30s')
    const ours = context.open.factory().createLock(key, '30s')
    await theirs.acquire()
    expect(await ours.acquireImmediately()).toBe(false)
    await theirs.release()
    await ours.acquire()
    expect(await theirs.acquireImmediately()).toBe(false)
    await ours.release()
  })
}

function handingOverOf(context: SuiteContext): void {
  test('a lock travels to another process, which extends and releases it', async () => {
    const lock = verrouOn(context).createLock(context.key(), '30s')
    await lock.acquire()
    const restored = verrouOn(context).restoreLock(JSON.parse(JSON.stringify(lock.serialize())))
    await restored.extend('1m')
    await restored.release()
    expect(await lock.isLocked()).toBe(false)
    expect(await errorOf(lock.release())).toBeInstanceOf(E_LOCK_NOT_OWNED)
  })

  test('what the same owner took in another process, it may release here', async () => {
    const here = verrouOn(context).createLock(context.key(), '30s')
    await here.acquire()
    const there = verrouOn(context).restoreLock(here.serialize())
    await there.release()
    await there.acquire()
    await here.extend()
    await here.release()
    expect(await there.isLocked()).toBe(false)
  })

  test('a lock of theirs restored here extends and releases', async () => {
    const theirs = verrouOn(context).createLock(context.key(), '30s')
    await theirs.acquire()
    const ours = context.open.factory().restoreLock(theirs.serialize())
    await ours.extend()
    expect(ours.fencingToken).toBeGreaterThan(0)
    await ours.release()
    expect(await theirs.isLocked()).toBe(false)
  })

  test('closing grants nothing more, and leaves alone what is held: it may be in other hands by now', async () => {
    const driver = verrouStore(context.open.store())
    const lock = new LockFactory(driver.factory()).createLock(context.key(), '30s')
    await lock.acquire()
    await driver.close()
    expect(await errorOf(lock.acquire())).toMatchObject({ code: 'E_CLOSED' })
    const restored = verrouOn(context).restoreLock(lock.serialize())
    expect(await restored.isLocked()).toBe(true)
    await restored.release()
  })
}

test('a Verrou of @verrou/core takes it as a driver, and gets one store of it', async () => {
  const driver = verrouStore(memoryStore(), { label: 'billing' })
  expect(driver.factory()).toBe(driver.factory())
  const verrou = new Verrou({ default: 'ours', stores: { ours: { driver: fits(driver) } } })
  expect(await verrou.createLock('key', '30s').run(async () => 42)).toEqual([true, 42])
})

test('a database that is down is their E_LOCK_STORAGE_ERROR, and never a lock that is held', async () => {
  const pool = new pg.Pool({ host: '127.0.0.1', port: 1 })
  const lock = new LockFactory(verrouStore(pgStore({ pool })).factory()).createLock('key', '30s')
  const calls = [lock.acquire(), lock.release(), lock.extend(), lock.isLocked(), lock.forceRelease()].map(errorOf)
  for (const error of await Promise.all(calls)) {
    expect(error).toBeInstanceOf(E_LOCK_STORAGE_ERROR)
    expect(String(error)).toMatch(/Lock storage error: the database could not answer: .*ECONNREFUSED/)
    expect(error).toMatchObject({ code: 'E_LOCK_STORAGE_ERROR', cause: { name: 'LockError', retryable: true } })
  }
  await pool.end()
})

test('what this process took is released without being looked up, up to 10,000 holds', async () => {
  const memory = memoryStore()
  const lookedUp = vi.spyOn(memory, 'inspect')
  const store = verrouStore(memory).factory()
  for (let n = 0; n <= 10_000; n++) await store.save(`key:${n}`, 'ada', null)
  await store.delete('key:10000', 'ada')
  await store.delete('key:1', 'ada')
  expect(lookedUp).toHaveBeenCalledTimes(0)
  await store.delete('key:0', 'ada')
  expect(lookedUp).toHaveBeenCalledTimes(1)
  expect(await Promise.all([0, 1, 2].map((n) => store.exists(`key:${n}`)))).toEqual([false, false, true])
})

test('a TTL shorter than the way to the database is told as such', async () => {
  const lock = new LockFactory(verrouStore(memoryStore()).factory()).createLock('key', 0.001)
  expect(await errorOf(lock.acquire())).toMatchObject({ code: 'E_LOCK_LOST' })
})

test('what cannot be a driver is refused at once', () => {
  const pool = new pg.Pool()
  expect(() => verrouStore({ pool } as never)).toThrow('`store` must be a store, such as pgStore({ pool })')
  expect(() => verrouStore(memoryStore(), { lable: 'x' } as never)).toThrow('unknown option "lable"')
  expect(() => verrouStore(pgStore({ pool, presence: true }))).toThrow(
    'a store with `presence` cannot be a driver of @verrou/core, whose locks can be handed to other processes; make the store without `presence`',
  )
})

/** Locks of @verrou/core, as another process would have them. */
function verrouOn(context: SuiteContext): LockFactory {
  return new LockFactory(verrouStore(context.open.store()).factory(), { retry: { delay: 10 } })
}

async function errorOf(call: Promise<unknown>): Promise<unknown> {
  return await call.then(
    (value) => expect.fail(`it resolved with ${JSON.stringify(value)}`),
    (error: unknown) => error,
  )
}
