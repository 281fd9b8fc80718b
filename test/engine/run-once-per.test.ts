import { execFile } from 'node:child_process'
import { setTimeout as sleep } from 'node:timers/promises'
import { promisify } from 'node:util'
import { describe, expect, test } from 'vitest'
import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory, StoreTrouble } from '../../src/index.ts'
import { rejection } from '../suite/rejection.ts'
import { changedStore } from '../support/changed-store.ts'

describe('runOncePer', () => {
  test('on a silent database ends with its timeout, its signal, or the factory', async () => {
    const locks = new LockFactory(changedStore(() => ({ lastRun: () => new Promise(() => {}) })).store)
    const work = () => expect.fail('it ran')
    await rejection(locks.runOncePer('k', '1h', work, { retry: { timeout: 50 } }), 'E_LOCK_STORAGE_ERROR')
    const controller = new AbortController()
    setTimeout(() => controller.abort('changed my mind'), 50)
    await expect(locks.runOncePer('k', '1h', work, { signal: controller.signal })).rejects.toBe('changed my mind')
    const closed = locks.runOncePer('k', '1h', work)
    await locks.close()
    await rejection(closed, 'E_CLOSED')
  })

  test('whose end meets an outage keeps its lease until the end is written down', { timeout: 15_000 }, async () => {
    let isDown = false
    const whenUp =
      <Given extends unknown[], Answer>(method: (...given: Given) => Promise<Answer>) =>
      (...given: Given) =>
        isDown ? Promise.reject(new StoreTrouble('unreachable', new Error('down'))) : method(...given)
    const { store } = changedStore((real) => ({
      finishRun: whenUp(real.finishRun.bind(real)),
      extendAll: whenUp(real.extendAll.bind(real)),
    }))
    const locks = new LockFactory(store)
    const work = async () => {
      isDown = true
      setTimeout(() => {
        isDown = false
      }, 1_200)
      return 'done'
    }
    expect(await locks.runOncePer('k', '1h', work, { ttl: 1_500 })).toEqual([true, 'done'])
    await sleep(1_600)
    expect(await locks.runOncePer('k', '1h', () => 'again')).toEqual([false, null])
    expect(await locks.lastRun('k')).not.toBeNull()
  })

  test('that ends tells those who wait for its key in this process', async () => {
    const locks = new LockFactory(memoryStore())
    const running = locks.runOncePer('k', 400, () => sleep(50))
    await sleep(20)
    const waiting = locks.createLock('k').acquire({ retry: { delay: '1m' } })
    await running
    const startMs = performance.now()
    await waiting
    expect(performance.now() - startMs).toBeLessThan(2_000)
    await locks.close()
  })
})

test('who waits here for a lock that was handed to somebody else hears of its release there', async () => {
  const store = memoryStore()
  const [here, there] = [new LockFactory(store), new LockFactory(store)]
  const held = here.createLock('k')
  await held.acquire()
  const waiting = here.createLock('k').acquire({ retry: { delay: '1m' } })
  await sleep(20)
  const serialized = held.serialize()
  await sleep(20)
  await there.restoreLock(serialized).release()
  expect(await Promise.race([waiting, sleep(1_000, 'waits')])).toBe(true)
})

test('a process whose only work is under a lease that is kept alive does not end before it', async () => {
  const script = `
    import { LockFactory } from './src/index.ts'
    import { memoryStore } from './src/drivers/memory.ts'
    const locks = new LockFactory(memoryStore())
    const work = () => new Promise((done) => setTimeout(done, 250).unref())
    await locks.createLock('k', 300).run(work, { keepAlive: true })
    console.log('done')`
  const { stdout } = await promisify(execFile)(process.execPath, ['--input-type=module', '--eval', script])
  expect(stdout).toBe('done\n')
})
