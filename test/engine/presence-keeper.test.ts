import { setImmediate } from 'node:timers/promises'
import { beforeEach, describe, expect, test } from 'vitest'
import { dialectNamed } from '../../src/dialects/detect.ts'
import type { Wording } from '../../src/executors/executor.ts'
import type { Hearer, HearingConnection } from '../../src/executors/reopening-connection.ts'
import type { Presence } from '../../src/index.ts'
import type { Answer, Statement } from '../../src/statement.ts'
import { PresenceKeeper } from '../../src/store/presence-keeper.ts'
import type { SqlStore } from '../../src/store/sql-store.ts'
import { WatchingPresences } from '../../src/store/watching-presences.ts'
import { StoreTrouble } from '../../src/store-trouble.ts'
import { rejection } from '../suite/rejection.ts'
import { FakeClock } from '../support/fake-clock.ts'

const dialect = dialectNamed('postgres', { tableName: 't', schema: undefined })
const SERVER = '00000000000000ff'

/** A server with its sessions, as much as a presence sees of it. */
class ScriptedServer {
  holder: number | null = null
  takenBy: number | undefined
  isFull = false

  answerTo({ sql }: Wording, session: number): Answer {
    if (sql.includes('pg_try_advisory_lock(')) {
      const isTaken = !this.isFull
      if (isTaken) this.holder = this.takenBy ?? session
      return answer({ is_taken: isTaken, session })
    }
    return answer({ session, server: SERVER, holder: this.holder })
  }
}

function answer(row: Record<string, unknown>): Answer {
  return { rows: [row], affectedRows: 0, insertId: 0 }
}

/** One that gives a new session after each loss. */
class OwnSession implements HearingConnection {
  readonly hearers = new Set<Hearer>()
  readonly bounds: number[] = []
  isOpen = true
  isMute = false
  fails = false
  session = 1
  closings = 0
  readonly #server: ScriptedServer

  constructor(server: ScriptedServer) {
    this.#server = server
  }

  async execute(wording: Wording, _values: readonly unknown[], withinMs: number): Promise<Answer> {
    this.bounds.push(withinMs)
    await setImmediate()
    if (this.fails) throw Object.assign(new Error('statement timeout'), { code: '57014' })
    if (this.isMute) throw this.lose()
    return this.#server.answerTo(wording, this.session)
  }

  hear(hearer: Hearer): () => void {
    this.hearers.add(hearer)
    return () => this.hearers.delete(hearer)
  }

  lose(): Error {
    const cause = Object.assign(new Error('lost'), { code: 'ECONNRESET' })
    this.#server.holder = null
    this.session++
    for (const hearer of [...this.hearers]) hearer.lost(cause)
    return cause
  }

  async close(): Promise<void> {
    this.closings++
  }
}

let clock: FakeClock
let server: ScriptedServer
let own: OwnSession
let keeper: PresenceKeeper
let gone: Presence[]

beforeEach(() => {
  clock = new FakeClock()
  server = new ScriptedServer()
  own = new OwnSession(server)
  gone = []
  const beside = { execute: async (wording: Wording) => server.answerTo(wording, 100), close: async () => {} }
  const caller = { execute: async (wording: Wording) => server.answerTo(wording, 200) }
  const store: Pick<SqlStore, 'say'> = {
    say: (speak, sender = caller) => speak(dialect, (statement: Statement) => sender.execute(statement, [])),
  }
  keeper = new PresenceKeeper({ store, connection: own, beside, clock, chance: () => 0.5 })
  keeper.onGone((presence) => gone.push(presence))
})

describe('a presence', () => {
  test('is asked for once, however many want it, and looked after every few seconds', async () => {
    const [one, two] = await Promise.all([keeper.present(), keeper.present()])
    expect(one).toBe(two)
    const sent = own.bounds.length
    await clock.pass(60_000)
    expect(own.bounds.length - sent).toBeGreaterThanOrEqual(10)
    expect(own.bounds.length - sent).toBeLessThanOrEqual(16)
    expect([keeper.current, gone]).toEqual([one, []])
  })

  test('whose network falls silent is given up: soon, and long before a server would', async () => {
    const presence = await keeper.present()
    await clock.pass(1_000)
    own.isMute = true
    await clock.pass(6_000)
    expect(presence.isGone).toBe(true)
    expect(gone).toEqual([presence])
    // The connection gives itself up after this time.
    expect(own.bounds.at(-1)).toBe(10_000)
    own.isMute = false
    const next = await keeper.present()
    expect([next === presence, next.isGone]).toEqual([false, false])
    expect(next.attempt('a').slice(0, 42)).not.toBe(presence.attempt('a').slice(0, 42))
    expect(keeper.known).toEqual([next, presence])
  })

  test('survives that a look at it fails, and does not survive that it is not there', async () => {
    const presence = await keeper.present()
    own.fails = true
    await clock.pass(60_000)
    expect(presence.isGone).toBe(false)
    own.fails = false
    server.holder = null
    await clock.pass(6_000)
    expect([presence.isGone, gone, own.closings]).toEqual([true, [presence], 1])
  })

  test('ends when its session turns out to be another one', async () => {
    const presence = await keeper.present()
    own.session = 7
    await clock.pass(6_000)
    expect(presence.isGone).toBe(true)
  })

  test('that is lost while it is proven is none', async () => {
    const becoming = keeper.present()
    await setImmediate()
    own.lose()
    const error = await becoming.catch((reason) => reason)
    expect(error).toBeInstanceOf(StoreTrouble)
    expect([error.kind, error.mayHaveHappened, gone]).toEqual(['unreachable', false, []])
    expect(own.hearers.size).toBe(0)
    expect((await keeper.present()).isGone).toBe(false)
  })

  test('that is lost while it is proven, and others know it first, is none', async () => {
    const { answerTo } = server
    server.answerTo = (wording, session) => {
      const told = answerTo.call(server, wording, session)
      if (!wording.sql.includes('pg_try_advisory_lock(')) return told
      server.holder = null
      own.isMute = true
      return told
    }
    const error = await keeper.present().catch((reason) => reason)
    expect(error).toBeInstanceOf(StoreTrouble)
    expect([error.kind, error.mayHaveHappened]).toEqual(['unreachable', false])
  })

  test('whose name is taken is asked for under another one', async () => {
    server.isFull = true
    const error = await keeper.present().catch((reason) => reason)
    expect(error).toMatchObject({ kind: 'transient', canPass: true })
    server.isFull = false
    expect((await keeper.present()).isGone).toBe(false)
  })

  test('taken by another session than ours, or one that nobody else sees, is none', async () => {
    const { answerTo } = server
    server.answerTo = (wording, session) =>
      answerTo.call(server, wording, wording.sql.includes('pg_try_advisory_lock(') ? 9 : session)
    await rejection(keeper.present(), 'E_SESSION_POOLED')
    server.answerTo = answerTo
    server.takenBy = 9
    await rejection(keeper.present(), 'E_UNSUPPORTED')
    server.takenBy = undefined
    expect((await keeper.present()).isGone).toBe(false)
  })

  test('remembers no more than a few of those before', async () => {
    for (let round = 0; round < 10; round++) {
      await keeper.present()
      own.lose()
    }
    expect([keeper.known.length, gone.length, own.hearers.size, clock.pending]).toEqual([3, 10, 0, 0])
  })

  test('of a closed store is gone', async () => {
    const presence = await keeper.present()
    await keeper.close()
    expect([presence.isGone, keeper.current, clock.pending]).toEqual([true, undefined, 0])
  })
})

describe('watching', () => {
  let asked: (readonly string[])[]
  let holders: Record<string, boolean>
  let isDown: boolean
  let watching: WatchingPresences

  beforeEach(() => {
    asked = []
    holders = {}
    isDown = false
    const look = async (keys: readonly string[]) => {
      asked.push(keys)
      if (isDown) throw new Error('down')
      return keys.flatMap((key) => (key in holders ? [{ key, isGone: holders[key] === true }] : []))
    }
    watching = new WatchingPresences({ others: undefined, look, clock, chance: () => 0.5 })
  })

  test('asks nothing while nobody waits', async () => {
    await clock.pass(10_000)
    const stop = watching.subscribe('k', () => {})
    await clock.pass(1_000)
    expect(asked.length).toBeGreaterThan(0)
    stop()
    stop()
    asked = []
    await clock.pass(10_000)
    expect([asked, clock.pending]).toEqual([[], 0])
  })

  test('asks often while a holder names a presence, and less often while none does', async () => {
    watching.subscribe('k', () => {})
    await clock.pass(2_000)
    expect(asked.length).toBeLessThan(12)
    holders.k = false
    await clock.pass(500)
    asked = []
    await clock.pass(1_000)
    expect(asked.length).toBeGreaterThanOrEqual(20)
  })

  test('wakes those who wait for a key whose holder is gone, and nobody else', async () => {
    const woken: string[] = []
    holders = { a: false, b: false }
    for (const key of ['a', 'b']) watching.subscribe(key, () => woken.push(key))
    await clock.pass(1_000)
    expect(woken).toEqual([])
    holders.b = true
    await clock.pass(60)
    expect(woken).toContain('b')
    expect(woken).not.toContain('a')
    expect([watching.takeGone('b'), watching.takeGone('b'), watching.takeGone('a')]).toEqual([true, false, false])
  })

  test('goes on after trouble, with pauses', async () => {
    watching.subscribe('k', () => {})
    isDown = true
    await clock.pass(60_000)
    expect(asked.length).toBeLessThan(40)
    isDown = false
    holders.k = true
    await clock.pass(6_000)
    expect(watching.takeGone('k')).toBe(true)
  })

  test('looks at all keys in turn', async () => {
    const keys = Array.from({ length: 2_500 }, (_, n) => `k${n}`)
    for (const key of keys) watching.subscribe(key, () => {})
    await clock.pass(1_500)
    expect(Math.max(...asked.map(({ length }) => length))).toBe(1_000)
    expect(new Set(asked.flat()).size).toBe(2_500)
  })
})
