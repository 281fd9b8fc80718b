import { channel } from 'node:diagnostics_channel'
import { beforeEach, describe, expect, test } from 'vitest'
import type { SqlExecutor } from '../../src/executors/executor.ts'
import { Listening } from '../../src/store/listening.ts'
import type { WakeupRecovery, WakeupTrouble } from '../../src/store/wake-source.ts'
import { FakeClock } from '../support/fake-clock.ts'
import { ScriptedConnection } from '../support/scripted-connection.ts'

const HEARTBEAT_MS = 10_000

let clock: FakeClock
let connection: ScriptedConnection
let listening: Listening
let troubles: WakeupTrouble[]
let recoveries: WakeupRecovery[]
/** How the caller's pool answers a probe. */
let pool: 'answers' | 'fails' | 'is exhausted'
let probes: number
let answerLate: (() => void)[]

beforeEach(() => {
  clock = new FakeClock()
  connection = new ScriptedConnection()
  pool = 'answers'
  probes = 0
  answerLate = []
  const executor: SqlExecutor = {
    async execute(_wording, [channel, id]) {
      probes++
      if (pool === 'is exhausted') await new Promise<void>((answer) => answerLate.push(answer))
      if (pool === 'fails') throw new Error('no')
      connection.notify(channel as string, id as string)
      return { rows: [], affectedRows: 1, insertId: 0 }
    },
  }
  // All of each pause: nothing is left to chance.
  listening = new Listening({ connection, executor, channel: 'c', clock, chance: () => 0.999_999 })
  troubles = []
  listening.onTrouble((trouble) => troubles.push(trouble))
  recoveries = []
  listening.onRecovery((recovery) => recoveries.push(recovery))
})

/** Counts its wake-ups. */
function subscribe(key: string) {
  const subscriber = { wakes: 0, end: () => {} }
  subscriber.end = listening.subscribe(key, () => {
    subscriber.wakes++
  })
  return subscriber
}

describe('hearing', () => {
  test('nothing is opened, and no timer runs, before somebody subscribes', async () => {
    await clock.pass(60_000)
    expect([connection.sent, probes, clock.pending, listening.isHearing]).toEqual([[], 0, 0, false])
  })

  test('it hears when listen was answered and the probe has arrived, and wakes everybody once', async () => {
    const [a, b] = [subscribe('a'), subscribe('b')]
    expect([a.wakes, listening.isHearing]).toEqual([0, false])
    await clock.pass(0)
    expect([listening.isHearing, connection.sent, probes, a.wakes, b.wakes]).toEqual([true, ['listen'], 1, 1, 1])
    await clock.pass(60_000)
    expect([a.wakes, b.wakes, troubles]).toEqual([1, 1, []])
  })

  test('a notification wakes those who wait for the key, and nobody else', async () => {
    const [a, twin, b] = [subscribe('a'), subscribe('a'), subscribe('b')]
    await clock.pass(0)
    connection.notify('c', 'a')
    expect([a.wakes, twin.wakes, b.wakes]).toEqual([2, 2, 1])
    connection.notify('other', 'a')
    connection.notify('c', 'unknown')
    connection.notify('c', '')
    expect([a.wakes, twin.wakes, b.wakes]).toEqual([2, 2, 1])
  })

  test('who has ended the subscription is not woken; the same function counts for each of its subscriptions', async () => {
    let wakes = 0
    const wake = () => {
      wakes++
    }
    const ends = [listening.subscribe('a', wake), listening.subscribe('a', wake)]
    await clock.pass(0)
    expect(wakes).toBe(2)
    ends[0]?.()
    ends[0]?.()
    connection.notify('c', 'a')
    expect(wakes).toBe(3)
    ends[1]?.()
    connection.notify('c', 'a')
    expect(wakes).toBe(3)
  })
})

test('no timer keeps a process alive', async () => {
  const keeping: boolean[] = []
  const after = clock.after.bind(clock)
  clock.after = (delayMs: number, wake: () => void, keepsProcessAlive = true) => {
    keeping.push(keepsProcessAlive)
    return after(delayMs, wake)
  }
  const a = subscribe('a')
  await clock.pass(HEARTBEAT_MS)
  connection.isDeaf = true
  await clock.pass(2 * HEARTBEAT_MS)
  connection.isDown = true
  await clock.pass(600_000)
  a.end()
  await clock.pass(60_000)
  expect(new Set(keeping)).toEqual(new Set([false]))
})

describe('after the last subscription', () => {
  test('it listens for a while, then no more', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    a.end()
    await clock.pass(29_000)
    expect([listening.isHearing, connection.isListening]).toEqual([true, true])
    await clock.pass(2_000)
    expect([listening.isHearing, connection.isListening, connection.hearers.size, clock.pending]).toEqual([
      false,
      false,
      0,
      0,
    ])
    expect(connection.sent.at(-1)).toBe('unlisten')
  })

  test('who comes meanwhile hears at once; who comes later makes it listen again', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    a.end()
    await clock.pass(29_000)
    const b = subscribe('b')
    await clock.pass(40_000)
    expect([listening.isHearing, connection.count('listen')]).toEqual([true, 1])
    b.end()
    await clock.pass(31_000)
    const c = subscribe('c')
    await clock.pass(0)
    expect([listening.isHearing, connection.count('listen'), c.wakes]).toEqual([true, 2, 1])
  })

  test('close ends it at once, but not while somebody has subscribed', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    await listening.close()
    await clock.pass(1_000)
    expect(listening.isHearing).toBe(true)
    a.end()
    await listening.close()
    await clock.pass(0)
    expect([listening.isHearing, connection.isListening, clock.pending]).toEqual([false, false, 0])
    subscribe('b')
    await clock.pass(0)
    expect(listening.isHearing).toBe(true)
  })

  test('a connection that is gone is not opened to say goodbye, nor for a linger', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    a.end()
    connection.lose()
    await clock.pass(60_000)
    expect([connection.sent, clock.pending]).toEqual([['listen'], 0])
  })
})

describe('a lost connection', () => {
  test('is opened again within a moment; everybody is woken, and nobody is troubled', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    connection.lose()
    expect(listening.isHearing).toBe(false)
    await clock.pass(50)
    expect([listening.isHearing, connection.count('listen'), a.wakes, troubles]).toEqual([true, 2, 2, []])
  })

  test('one that cannot be opened is told of once, when the second attempt fails; the pauses grow to 5 s', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    connection.isDown = true
    connection.lose()
    await clock.pass(50)
    expect([connection.count('listen'), troubles.length]).toEqual([2, 0])
    await clock.pass(100)
    expect([connection.count('listen'), troubles.map(({ reason }) => reason)]).toEqual([3, ['disconnected']])
    expect(a.wakes).toBe(2)
    await clock.pass(60_000)
    expect(connection.count('listen')).toBeLessThan(25)
    const before = connection.count('listen')
    await clock.pass(5_000)
    expect(connection.count('listen')).toBe(before + 1)
    connection.isDown = false
    await clock.pass(5_000)
    expect([listening.isHearing, a.wakes, troubles.length]).toEqual([true, 3, 1])
    expect(recoveries).toHaveLength(1)
    expect(recoveries[0]?.degradedMs).toBeGreaterThan(65_000)
    await clock.pass(HEARTBEAT_MS)
    connection.isDown = true
    connection.lose()
    await clock.pass(1_000)
    expect(troubles.map(({ reason }) => reason)).toEqual(['disconnected', 'disconnected'])
  })

  test('one that works again after nobody waited in between is told of, too, and so are the channels of the process', async () => {
    const heard: unknown[] = []
    const names = ['wakeup-degraded', 'wakeup-restored'].map((name) => `verrou-sql:${name}`)
    const listener = (event: unknown, name: unknown) => heard.push([name, event])
    for (const name of names) channel(name).subscribe(listener)
    connection.isDown = true
    const a = subscribe('a')
    await clock.pass(1_000)
    a.end()
    await clock.pass(60_000)
    connection.isDown = false
    expect(recoveries).toEqual([])
    subscribe('b')
    await clock.pass(0)
    for (const name of names) channel(name).unsubscribe(listener)
    expect([troubles.length, recoveries.length]).toEqual([1, 1])
    expect(heard).toEqual([
      [names[0], troubles[0]],
      [names[1], recoveries[0]],
    ])
  })

  test('who has left is not told that it works again', async () => {
    const late: WakeupRecovery[] = []
    listening.onRecovery((recovery) => late.push(recovery))()
    connection.isDown = true
    subscribe('a')
    await clock.pass(1_000)
    connection.isDown = false
    await clock.pass(10_000)
    expect([late.length, recoveries.length]).toEqual([0, 1])
  })

  test('a first attempt that fails counts as well', async () => {
    connection.isDown = true
    subscribe('a')
    await clock.pass(0)
    expect(troubles).toEqual([])
    await clock.pass(50)
    expect(troubles).toMatchObject([{ reason: 'disconnected', cause: { message: 'down' } }])
  })

  test('who asks while it does not work is told, though not from within the call', async () => {
    connection.isDown = true
    subscribe('a')
    await clock.pass(1_000)
    const late: string[] = []
    listening.onTrouble(({ reason }) => late.push(reason))
    listening.onTrouble(({ reason }) => late.push(`${reason}, ended`))()
    expect(late).toEqual([])
    await clock.pass(0)
    expect(late).toEqual(['disconnected'])
  })

  test('it is not opened again when nobody waits any more', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    connection.isDown = true
    connection.lose()
    a.end()
    await clock.pass(120_000)
    expect([connection.count('listen'), clock.pending]).toEqual([1, 0])
  })

  test('a session that is lost again and again is not opened without a pause', async () => {
    subscribe('a')
    await clock.pass(0)
    for (let times = 0; times < 2_000; times++) {
      connection.lose()
      await clock.pass(10)
    }
    expect(connection.count('listen')).toBeLessThan(15)
  })
})

describe('the heartbeat', () => {
  test('finds that the session does not listen any more, and listens again', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    connection.isListening = false
    await clock.pass(HEARTBEAT_MS + 50)
    expect([listening.isHearing, connection.sent, a.wakes]).toEqual([true, ['listen', 'select', 'listen'], 2])
  })

  test('finds a silent network', async () => {
    const a = subscribe('a')
    await clock.pass(0)
    connection.isMute = true
    await clock.pass(HEARTBEAT_MS)
    expect(listening.isHearing).toBe(false)
    connection.isMute = false
    await clock.pass(100)
    expect([listening.isHearing, a.wakes, troubles]).toEqual([true, 2, []])
  })

  test('sends a probe, unless something was heard by itself', async () => {
    subscribe('a')
    await clock.pass(HEARTBEAT_MS)
    expect(probes).toBe(2)
    await clock.pass(HEARTBEAT_MS / 2)
    connection.notify('c', 'unknown')
    await clock.pass(HEARTBEAT_MS / 2)
    expect(probes).toBe(2)
    await clock.pass(HEARTBEAT_MS)
    expect(probes).toBe(3)
  })
})

describe('deafness', () => {
  test('is told of once, 2 s after the probe was answered; it tries again after 5 minutes', async () => {
    connection.isDeaf = true
    const a = subscribe('a')
    await clock.pass(1_900)
    expect([listening.isHearing, troubles]).toEqual([false, []])
    await clock.pass(200)
    expect([listening.isHearing, troubles.map(({ reason }) => reason)]).toEqual([false, ['deaf']])
    expect(troubles[0]?.message).toContain('connectionString')
    // Told to poll.
    expect(a.wakes).toBe(1)
    expect([connection.isListening, connection.hearers.size]).toEqual([false, 0])
    await clock.pass(290_000)
    expect(connection.count('listen')).toBe(1)
    await clock.pass(15_000)
    expect([connection.count('listen'), troubles.length]).toEqual([2, 1])
    connection.isDeaf = false
    await clock.pass(310_000)
    expect([listening.isHearing, troubles.length, a.wakes]).toEqual([true, 1, 2])
  })

  test('that comes later is found by the heartbeat', async () => {
    subscribe('a')
    await clock.pass(0)
    connection.isDeaf = true
    await clock.pass(HEARTBEAT_MS + 2_200)
    expect([listening.isHearing, troubles.map(({ reason }) => reason)]).toEqual([false, ['deaf']])
  })

  test('is remembered by the next one who subscribes', async () => {
    connection.isDeaf = true
    const a = subscribe('a')
    await clock.pass(3_000)
    a.end()
    await clock.pass(31_000)
    expect(clock.pending).toBe(0)
    subscribe('b')
    await clock.pass(60_000)
    expect([connection.count('listen'), troubles.length]).toEqual([1, 1])
    const late: string[] = []
    listening.onTrouble(({ reason }) => late.push(reason))
    await clock.pass(0)
    expect(late).toEqual(['deaf'])
  })

  test('is not what a silent network is', async () => {
    connection.isDeaf = true
    subscribe('a')
    await clock.pass(500)
    connection.isMute = true
    await clock.pass(1_620)
    expect(connection.count('select')).toBe(1)
    connection.isMute = false
    connection.isDeaf = false
    await clock.pass(200)
    expect([listening.isHearing, troubles]).toEqual([true, []])
  })

  test('is not what a notification is that was read late', async () => {
    connection.isDeaf = true
    const hearer = () => [...connection.hearers][0]
    let id = ''
    const executor: SqlExecutor = {
      async execute(_wording, [, payload]) {
        id = payload as string
        return { rows: [], affectedRows: 1, insertId: 0 }
      },
    }
    const late = new Listening({ connection, executor, channel: 'c', clock, chance: () => 0.999_999 })
    late.subscribe('a', () => {})
    await clock.pass(2_050)
    hearer()?.notified('c', id)
    await clock.pass(100)
    expect(late.isHearing).toBe(true)
  })
})

describe('a pool that does not answer the probe', () => {
  test('says nothing: it counts as hearing, and takes one place in the queue only', async () => {
    pool = 'is exhausted'
    const a = subscribe('a')
    await clock.pass(1_900)
    expect(listening.isHearing).toBe(false)
    await clock.pass(200)
    expect([listening.isHearing, a.wakes, troubles]).toEqual([true, 1, []])
    await clock.pass(60_000)
    expect([listening.isHearing, probes, troubles]).toEqual([true, 1, []])
    connection.lose()
    await clock.pass(1_000)
    expect([listening.isHearing, probes]).toEqual([true, 1])
    // The answer of a probe that was sent for an earlier session proves nothing.
    connection.isDeaf = true
    answerLate[0]?.()
    await clock.pass(5_000)
    expect(troubles).toEqual([])
    pool = 'answers'
    await clock.pass(20_000)
    expect([probes, troubles.map(({ reason }) => reason)]).toEqual([2, ['deaf']])
  })

  test('a late answer without the notification is deafness all the same', async () => {
    pool = 'is exhausted'
    connection.isDeaf = true
    subscribe('a')
    await clock.pass(5_000)
    expect(listening.isHearing).toBe(true)
    answerLate[0]?.()
    await clock.pass(2 * HEARTBEAT_MS)
    expect(troubles.map(({ reason }) => reason)).toEqual(['deaf'])
  })

  test('nor does one that refuses it', async () => {
    pool = 'fails'
    const a = subscribe('a')
    await clock.pass(0)
    expect([listening.isHearing, a.wakes]).toEqual([true, 1])
    await clock.pass(2 * HEARTBEAT_MS)
    expect([listening.isHearing, probes, troubles]).toEqual([true, 3, []])
  })
})
