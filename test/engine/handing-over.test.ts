import { describe, expect, test } from 'vitest'
import { acquire } from '../../src/engine/acquire.ts'
import { BackgroundGiveBack } from '../../src/engine/give-back.ts'
import type { Grant } from '../../src/engine/grant.ts'
import { handingOver } from '../../src/engine/hand-over.ts'
import { release } from '../../src/engine/keep.ts'
import type { KeptHold } from '../../src/engine/kept-hold.ts'
import { WaitLines } from '../../src/engine/wait-lines.ts'
import type { LeaseRequest, LockStore } from '../../src/index.ts'
import { type ResolvedRetry, resolveRetry } from '../../src/options.ts'
import { MemoryStore } from '../../src/store/memory-store.ts'
import { StoreTrouble } from '../../src/store-trouble.ts'
import { rejection } from '../suite/rejection.ts'
import { FakeClock } from '../support/fake-clock.ts'

const TTL_MS = 30_000

/** A database with one clock and its network, for processes that share it. */
class Network {
  readonly clock = new FakeClock()
  readonly memory = new MemoryStore(() => Math.round(this.clock.nowMs() * 1000) + 1_000_000)
  readonly sent: string[] = []
  readonly lines = new Map<string, WaitLines>()
  isDown = false

  /** A process. `hears`: its store tells it of releases by others; `latencyMs`: how long each of its statements is on its way. */
  process(name: string, { hears = true, latencyMs = 0 } = {}) {
    const methods = ['tryAcquire', 'release', 'abandon', 'handOver', 'want', 'inspect'] as const
    const slowly = methods.map((method) => [
      method,
      async (...given: unknown[]) => {
        this.sent.push(`${name} ${method}`)
        if (latencyMs > 0) await new Promise<void>((arrived) => this.clock.after(latencyMs, arrived))
        if (this.isDown) throw new StoreTrouble('unreachable', new Error('down'))
        return (this.memory[method] as (...given: unknown[]) => Promise<unknown>).apply(this.memory, given)
      },
    ])
    const wakeSource = hears ? this.memory.wakeSource : undefined
    const store = { ...Object.fromEntries(slowly), wakeSource } as LockStore
    const timing = { clock: this.clock, chance: () => 0.999 }
    const giveBack = new BackgroundGiveBack(store, timing, (key) => lines.freed(key))
    const lines = new WaitLines({ store, timing, giveBack })
    this.lines.set(name, lines)
    const engine = {
      ...{ store, timing, giveBack, waiting: lines },
      handingOver: handingOver({ store, timing, giveBack, lines }),
    }
    let waiters = 0
    const take = (retry: Partial<ResolvedRetry> = {}, signal?: AbortSignal) => {
      const id = `${name}${++waiters}`
      const request: LeaseRequest = { key: 'k', owner: id, attempt: id, ttlUs: TTL_MS * 1000, heldBy: 't' }
      const granted = acquire(engine, request, { ...resolveRetry(undefined), ...retry }, signal)
      granted.catch(() => {})
      return granted
    }
    const give = (grant: Grant | null) => release(engine, holdOf(grant))
    return { take, give, lines }
  }
}

function holdOf(grant: Grant | null): KeptHold {
  if (!grant) return expect.fail('it was not granted')
  const { attempt: owner } = grant
  return { key: 'k', owner, ttlUs: TTL_MS * 1000, isReleaseUnconfirmed: false, isGuarded: false, ...grant }
}

describe('a release', () => {
  test('hands the key over to the next one in the process in one statement, in the order in which they came', async () => {
    const network = new Network()
    const { take, give, lines } = network.process('a')
    const first = await take()
    const waiting = [take(), take(), take()]
    await network.clock.pass(1)
    network.sent.length = 0

    const second = await give(first).then(() => waiting[0])
    expect(network.sent).toEqual(['a handOver'])
    expect(second?.token).toBeGreaterThan(Number(first?.token))
    const third = await give(second ?? null).then(() => waiting[1])
    const fourth = await give(third ?? null).then(() => waiting[2])
    expect(network.sent).toEqual(['a handOver', 'a handOver', 'a handOver'])
    expect(fourth?.handOvers).toBe(3)
    await give(fourth ?? null)
    expect(network.sent.at(-1)).toBe('a release')
    expect(lines.size).toBe(0)
    expect(network.clock.pending).toBe(0)
  })

  test('of another process wakes the first one in line at once, and only that one asks', async () => {
    const network = new Network()
    const one = network.process('a')
    const other = network.process('b')
    const held = await one.take()
    const waiting = [other.take(), other.take(), other.take()]
    await network.clock.pass(1)
    expect(network.sent).toEqual(['a tryAcquire', 'b tryAcquire', 'b want'])
    network.sent.length = 0
    await one.give(held)
    await network.clock.pass(0)
    expect(network.sent).toEqual(['a release', 'b tryAcquire'])
    expect(await Promise.race([waiting[0], 'pending'])).not.toBe('pending')
    expect(await Promise.race([waiting[1], 'pending'])).toBe('pending')
  })

  test('that comes between the refusal and the mark is not missed', async () => {
    const network = new Network()
    const one = network.process('a')
    const other = network.process('b')
    const held = await one.take()
    const want = network.memory.want.bind(network.memory)
    network.memory.want = async (key) => {
      await network.memory.release(holdOf(held))
      return want(key)
    }
    const granted = other.take()
    await network.clock.pass(0)
    expect(await granted).toMatchObject({ attempt: 'b1' })
  })

  test('is for other processes when they want the key, after four hand-overs in a row', async () => {
    const network = new Network()
    const one = network.process('a')
    const other = network.process('b', { latencyMs: 5 })
    const order: string[] = []
    const held = await one.take()
    const work = async (name: string, process: typeof one) => {
      const grant = await process.take()
      order.push(name)
      await process.give(grant)
    }
    const all = [work('b', other), ...Array.from({ length: 8 }, () => work('a', one))]
    await network.clock.pass(20)
    await one.give(held)
    await network.clock.pass(100)
    await Promise.all(all)
    expect(order.join('')).toBe('aaaabaaaa')
  })

  test('is for the own process for as long as nobody else wants the key', async () => {
    const network = new Network()
    const { take, give } = network.process('a')
    const held = await take()
    const work = async () => give(await take())
    const all = Array.from({ length: 12 }, work)
    await network.clock.pass(1)
    network.sent.length = 0
    await give(held)
    await Promise.all(all)
    expect(network.sent.filter((one) => one === 'a handOver')).toHaveLength(12)
    expect(network.clock.nowMs()).toBe(1)
  })

  test('is heeded at once by one whose refusal, or whose mark, is on its way', async () => {
    for (const method of ['tryAcquire', 'want'] as const) {
      const network = new Network()
      const { take, give } = network.process('a', { hears: false })
      const held = await network.process('b').take()
      const original = network.memory[method].bind(network.memory) as (...given: unknown[]) => Promise<never>
      let isFirst = true
      network.memory[method] = async (...given: unknown[]) => {
        const answer = await original(...given)
        if (isFirst) {
          isFirst = false
          await network.memory.release(holdOf(held))
          // As a release in this process would.
          lines.freed('k')
        }
        return answer
      }
      const lines = network.lines.get('a') ?? expect.fail('no such process')
      const granted = take()
      await network.clock.pass(method === 'want' ? 80 : 0)
      expect(await Promise.race([granted, 'pending']), method).not.toBe('pending')
      await give(await granted)
    }
  })

  test('is known to whoever comes later: the one asks at once', async () => {
    const network = new Network()
    const { take, give } = network.process('a', { hears: false })
    await give(await take())
    const granted = take()
    await network.clock.pass(0)
    expect(await Promise.race([granted, 'pending'])).not.toBe('pending')
  })

  test('while it hands the key over, the heir asks nobody, whatever wakes it', async () => {
    const network = new Network()
    const { take, give, lines } = network.process('a')
    const held = await take()
    const heir = take()
    await network.clock.pass(1)
    network.sent.length = 0
    const handOver = network.memory.handOver.bind(network.memory)
    network.memory.handOver = async (...given) => {
      lines.freed('k')
      await network.clock.pass(1_000)
      return handOver(...given)
    }
    await give(held)
    expect(await heir).toMatchObject({ handOvers: 1 })
    expect(network.sent).toEqual(['a handOver'])
    expect(network.clock.pending).toBe(0)
  })

  test('that hangs while it hands the key over ends in time; what the heir is granted late, is given back', async () => {
    const network = new Network()
    const { take, give } = network.process('a')
    const held = await take()
    const leaving = new AbortController()
    const heir = take({}, leaving.signal)
    await network.clock.pass(1)
    const handOver = network.memory.handOver.bind(network.memory)
    let arrive = () => {}
    network.memory.handOver = async (...given) => {
      await new Promise<void>((arrived) => {
        arrive = arrived
      })
      return handOver(...given)
    }
    const released = give(held)
    released.catch(() => {})
    // The release that is repeated in the background arrives after the hand-over.
    network.memory.release = () => new Promise(() => {})
    await network.clock.pass(10_001)
    await rejection(released, 'E_LOCK_STORAGE_ERROR')
    await network.clock.pass(6_000)
    leaving.abort('gone')
    await expect(heir).rejects.toBe('gone')
    arrive()
    await network.clock.pass(1)
    expect((await network.memory.inspect('k'))?.owner).toBeNull()
  })

  test('is not handed over to one who has gone; who has gone while it was is given nothing', async () => {
    const network = new Network()
    const { take, give, lines } = network.process('a')
    const held = await take()
    const leaving = new AbortController()
    const gone = take({}, leaving.signal)
    const next = take()
    await network.clock.pass(1)
    const handOver = network.memory.handOver.bind(network.memory)
    network.memory.handOver = async (...given) => {
      leaving.abort('gone')
      return handOver(...given)
    }
    await give(held)
    await expect(gone).rejects.toBe('gone')
    await network.clock.pass(0)
    expect(await next).toMatchObject({ attempt: 'a3' })
    await give(await next)
    expect(lines.size).toBe(0)
    expect((await network.memory.inspect('k'))?.owner).toBeNull()
  })
})

describe('in line', () => {
  test('a waiter that counts its tries has used them up when it would have alone, without asking', async () => {
    const network = new Network()
    const { take } = network.process('a')
    await take()
    const first = take()
    const counting = take({ attempts: 3, delayMs: 100 })
    await network.clock.pass(1)
    network.sent.length = 0
    await network.clock.pass(197)
    expect(await Promise.race([counting, 'pending'])).toBe('pending')
    await network.clock.pass(5)
    expect(await counting).toBeNull()
    expect(network.sent).toEqual([])
    first.catch(() => {})
  })

  test('a waiter that counts its tries leaves no timer when its turn comes', async () => {
    const network = new Network()
    const { take, give } = network.process('a')
    const held = await take()
    const all = [take(), take({ attempts: 3, delayMs: 10_000 })]
    await network.clock.pass(1)
    await give(held)
    await give((await all[0]) ?? null)
    await give((await all[1]) ?? null)
    expect(network.clock.pending).toBe(0)
  })

  test('a waiter whose time is over answers null only if the store has said that the key is held', async () => {
    const network = new Network()
    const { take } = network.process('a')
    network.memory.tryAcquire = () => new Promise(() => {})
    void take()
    const counting = take({ attempts: 3, delayMs: 10 })
    const bounded = take({ timeoutMs: 100 })
    await network.clock.pass(101)
    await rejection(bounded, 'E_LOCK_STORAGE_ERROR')
    expect(await Promise.race([counting, 'pending'])).toBe('pending')
  })

  test('a waiter who comes while the first one sleeps, and leaves before that asks again, has been refused', async () => {
    const network = new Network()
    const { take } = network.process('a')
    await network.process('b').take()
    void take()
    await network.clock.pass(1)
    const brief = take({ timeoutMs: 20 })
    await network.clock.pass(21)
    expect(await brief).toBeNull()

    network.isDown = true
    await network.clock.pass(1_000)
    const later = take({ timeoutMs: 20 })
    await network.clock.pass(21)
    await rejection(later, 'E_LOCK_STORAGE_ERROR')
  })

  test('who counts tries is not robbed of them by wake-ups that come for nothing', async () => {
    const network = new Network()
    const { take } = network.process('a')
    await network.process('b').take()
    const counting = take({ attempts: 3, delayMs: 200 })
    for (let wakes = 0; wakes < 75; wakes++) {
      await network.clock.pass(5)
      network.memory.wakeSource.wake('k')
    }
    expect(await Promise.race([counting, 'pending'])).toBe('pending')
    await network.clock.pass(100)
    expect(await counting).toBeNull()
  })

  test('a row that a transaction has locked for long is looked at less and less often', async () => {
    const network = new Network()
    const { take } = network.process('a')
    network.memory.tryAcquire = async () => ({ granted: false, freeInUs: null, isUncertain: true })
    void take()
    await network.clock.pass(10_000)
    // At last a try and a mark in each delay.
    expect(network.sent.length).toBeGreaterThan(60)
    expect(network.sent.length).toBeLessThan(110)
  })

  test('one who polls gets its turn, though another process has a long line, whatever the delay', async () => {
    for (const delayMs of [20, 250, 2_000]) {
      const network = new Network()
      const busy = network.process('a', { hears: false })
      const poller = network.process('b', { hears: false })
      let isOver = false
      const work = async () => {
        while (!isOver) {
          const grant = await busy.take({ delayMs })
          await new Promise<void>((done) => network.clock.after(5, done))
          await busy.give(grant)
        }
      }
      const held = await busy.take()
      const working = Array.from({ length: 10 }, work)
      const granted = poller.take({ delayMs })
      await network.clock.pass(20)
      await busy.give(held)
      await network.clock.pass(2 * delayMs + 700)
      expect(await Promise.race([granted, 'pending']), `${delayMs}`).not.toBe('pending')
      await poller.give(await granted)
      isOver = true
      await network.clock.pass(5_000)
      await Promise.all(working)
    }
  })

  test('one who tries once asks at once, however many wait', async () => {
    const network = new Network()
    const { take } = network.process('a')
    await take()
    void take()
    await network.clock.pass(1)
    network.sent.length = 0
    expect(await take({ attempts: 1 })).toBeNull()
    expect(await take({ timeoutMs: 0 })).toBeNull()
    expect(network.sent).toEqual(['a tryAcquire', 'a tryAcquire'])
  })

  test('statements do not grow with the number of waiters', async () => {
    const network = new Network()
    const { take } = network.process('a')
    const stranger = network.process('b')
    await stranger.take()
    for (let waiter = 0; waiter < 500; waiter++) void take()
    await network.clock.pass(0)
    network.sent.length = 0
    await network.clock.pass(10_000)
    // A try and a mark each quarter of a second.
    expect(network.sent.length).toBeLessThanOrEqual(82)
  })

  test('an outage of half a minute is waited out; then everybody hears of it at the same time', async () => {
    const network = new Network()
    const one = network.process('a')
    const other = network.process('b')
    const held = await one.take()
    const waiting = [other.take(), other.take(), other.take()]
    await network.clock.pass(1)
    network.isDown = true
    await network.clock.pass(20_000)
    expect(await Promise.race([...waiting, 'pending'])).toBe('pending')
    network.isDown = false
    await one.give(held)
    await network.clock.pass(1_100)
    expect(await waiting[0]).toMatchObject({ attempt: 'b1' })

    network.isDown = true
    await network.clock.pass(45_000)
    await rejection(waiting[1] as Promise<unknown>, 'E_LOCK_STORAGE_ERROR')
    await rejection(waiting[2] as Promise<unknown>, 'E_LOCK_STORAGE_ERROR')
    expect(other.lines.size).toBe(0)
  })

  test('a database that is down is an error at once for one who comes then', async () => {
    const network = new Network()
    network.isDown = true
    const first = network.process('a').take()
    await network.clock.pass(300)
    await rejection(first, 'E_LOCK_STORAGE_ERROR')
  })
})
