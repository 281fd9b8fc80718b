import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { DatabaseClock } from '../src/engine/database-clock.ts'
import { HeldLease } from '../src/locks/held-lease.ts'
import { HoldRegistry } from '../src/locks/hold-registry.ts'
import { MemoryStore } from '../src/store/memory-store.ts'
import { systemClock } from '../src/system-clock.ts'
import { runChild } from './support/child.ts'
import type { OpenBackend, TableAddress } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'
import { openTransaction } from './support/open-transaction.ts'

/** G16: no unbounded growth under any load that ends. */

const HOUR_US = 3_600_000_000

for (const backend of tableBackends()) {
  describe(backend.name, () => {
    let open: OpenBackend
    beforeAll(async () => {
      open = await backend.open()
    })
    afterAll(() => open.close())

    /** Puts rows into the table as they would look after a long time. */
    async function insertRows(
      prefix: string,
      count: number,
      expiresAtUs: number,
      token: number,
      runEndedAtUs: number | null = null,
    ): Promise<void> {
      const key = backend.family === 'mysql' ? '`key`' : 'key'
      const rows = Array.from(
        { length: count },
        (_, index) => `('${prefix}${String(index).padStart(5, '0')}', ${token}, ${expiresAtUs}, 0, ${runEndedAtUs})`,
      )
      await open.send(
        `insert into ${open.address?.tableName} (${key}, token, expires_at, acquired_at, run_ended_at) values ${rows.join(', ')}`,
      )
    }

    test('rows that have been free for long go while the store is used; no others do', {
      timeout: 60_000,
    }, async () => {
      const factory = open.factory()
      const probe = factory.createLock('probe')
      await probe.acquire()
      const nowUs = probe.fencingToken as number
      await probe.release()
      await insertRows('old:', 1_200, nowUs - 2 * HOUR_US, 5)
      await insertRows('a-recent:', 700, nowUs - HOUR_US / 2, 5)
      await insertRows('ahead:', 5, nowUs - 2 * HOUR_US, nowUs + HOUR_US)
      await insertRows('endless:', 5, nowUs + 2 * HOUR_US, 5)
      await insertRows('old:ran-long-ago:', 5, nowUs - 2 * HOUR_US, 5, nowUs - 30 * 24 * HOUR_US - 1)
      await insertRows('ran-lately:', 5, nowUs - 30 * 24 * HOUR_US, 5, nowUs - 30 * 24 * HOUR_US + HOUR_US / 4)

      const count = async (prefix: string) => (await open.rows()).filter(({ key }) => key.startsWith(prefix)).length
      // A look at 500 rows for every 250 grants: three times round and some.
      for (let grants = 0; grants < 250 * 12 && (await leftOf(count, grants)) > 0; grants++) {
        await probe.acquire()
        await probe.release()
      }
      await factory.close()
      expect(await count('old:')).toBe(0)
      expect(await count('a-recent:')).toBe(700)
      expect(await count('ahead:')).toBe(5)
      expect(await count('endless:')).toBe(5)
      expect(await count('ran-lately:')).toBe(5)
    })

    const leftOf = async (count: (prefix: string) => Promise<number>, grants: number) =>
      grants % 250 === 0 ? count('old:') : 1

    test('G2: the first grant of a key whose row was swept has a higher token', async () => {
      const store = open.store()
      const asked = { key: 'swept', owner: 'o', attempt: 'a', ttlUs: null, heldBy: 'test' }
      const before = await store.tryAcquire(asked)
      const key = backend.family === 'mysql' ? '`key`' : 'key'
      await open.send(`delete from ${open.address?.tableName} where ${key} = 'swept'`)
      await sleep(5)
      const after = await store.tryAcquire(asked)
      if (!before.granted || !after.granted) return expect.fail('refused')
      expect(after.token).toBeGreaterThan(before.token)
      await store.close()
    })

    test('the statement that removes rows looks again: at these keys only, free for long, token behind the clock', async () => {
      const probe = open.factory().createLock('zz-probe')
      await probe.acquire()
      const nowUs = probe.fencingToken as number
      await insertRows('zz-old:', 2, nowUs - 2 * HOUR_US, 5)
      await insertRows('zz-recent:', 1, nowUs - HOUR_US / 2, 5)
      await insertRows('zz-ahead:', 1, nowUs - 2 * HOUR_US, nowUs + HOUR_US)
      const asked = ['zz-old:00000', 'zz-recent:00000', 'zz-ahead:00000', 'zz-probe', 'zz-unknown']
      const store = open.store()
      const freeSinceUs = nowUs - HOUR_US
      for (const key of asked.slice(1)) expect(await store.removeOld([key], freeSinceUs)).toBe(0)
      expect(await store.removeOld(asked, freeSinceUs)).toBe(1)
      const left = (await open.rows()).map(({ key }) => key).filter((key) => key.startsWith('zz-'))
      expect(left).toEqual(['zz-ahead:00000', 'zz-old:00001', 'zz-probe', 'zz-recent:00000'])
    })

    const isServer = backend.family === 'postgres' || backend.family === 'mysql'
    test.runIf(isServer)('the sweep passes over a row that an open transaction has locked', async () => {
      const factory = open.factory()
      const probe = factory.createLock('aaa-probe')
      await probe.acquire()
      const longAgoUs = (probe.fencingToken as number) - 2 * HOUR_US
      await probe.release()
      await insertRows('aab:', 3, longAgoUs, 5)
      const stranger = await openTransaction(open.address as TableAddress)
      const key = backend.family === 'mysql' ? '`key`' : 'key'
      await stranger.send(`select * from ${open.address?.tableName} where ${key} = 'aab:00001' for update`)
      for (let grants = 0; grants < 500; grants++) {
        await probe.acquire()
        await probe.release()
      }
      // Waits for the sweep, which would wait for the stranger if it waited for anybody.
      const startMs = performance.now()
      await factory.close()
      expect(performance.now() - startMs).toBeLessThan(2_000)
      expect((await open.rows()).filter((row) => row.key.startsWith('aab:')).map((row) => row.key)).toEqual([
        'aab:00001',
      ])
      await stranger.end('rollback')
    })

    test('a process with an idle factory ends by itself', async () => {
      const { code, output } = await runChild('idle-worker.ts', [JSON.stringify(open.address)])
      expect(`${code} ${output}`).toBe('0 done\n')
    })
  })
}

describe('memory', () => {
  test('the memory store forgets free keys, and gives them higher tokens when they come back', async () => {
    let nowUs = 1_000_000
    const store = new MemoryStore(() => nowUs)
    const take = async (key: string) => {
      const outcome = await store.tryAcquire({ key, owner: 'o', attempt: key, ttlUs: 1_000_000, heldBy: 't' })
      if (!outcome.granted) return expect.fail(`${key} refused`)
      return outcome.token
    }
    const held = await take('held')
    let highest = 0
    for (let index = 0; index < 5_000; index++) {
      const key = `k${index}`
      highest = await take(key)
      await store.release({ key, owner: 'o', token: highest })
    }
    expect(await store.inspect('k0')).toBeNull()
    expect((await store.inspect('held'))?.token).toBe(held)
    nowUs -= 500_000
    expect(await take('k0')).toBeGreaterThan(highest - 5_000)
  })

  test('the memory store remembers for 30 days what ran, and no longer', async () => {
    let nowUs = 1_000_000
    const store = new MemoryStore(() => nowUs)
    const take = async (key: string) => {
      const outcome = await store.tryAcquire({ key, owner: 'o', attempt: key, ttlUs: 1_000_000, heldBy: 't' })
      return { key, owner: 'o', token: outcome.granted ? outcome.token : expect.fail(`${key} refused`) }
    }
    const fill = async () => {
      for (let index = 0; index < 3_000; index++) await store.release(await take(`k${index}`))
    }
    await store.finishRun(await take('ran'), { periodUs: null, hasFailed: false })
    nowUs += 30 * 24 * HOUR_US - 1
    await fill()
    expect(await store.lastRun('ran')).not.toBeNull()
    nowUs += 1
    await fill()
    expect(await store.lastRun('ran')).toBeNull()
  })

  test('the registry of holds forgets those whose time is over', () => {
    const registry = new HoldRegistry(systemClock)
    const databaseClock = new DatabaseClock(systemClock)
    const lease = (deadlineMs: number) =>
      new HeldLease(
        { key: 'k', owner: 'o', token: 1, ttlUs: 1, deadlineMs, expiresAtUs: 1 },
        systemClock,
        databaseClock,
      )
    const live = lease(Number.POSITIVE_INFINITY)
    registry.add(live)
    for (let index = 0; index < 10_000; index++) registry.add(lease(0))
    expect(registry.all().length).toBeLessThan(600)
    expect(registry.all()).toContain(live)
  })
})
