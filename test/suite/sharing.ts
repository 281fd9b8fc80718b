import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { fromPg } from '../../src/adapters/pg.ts'
import type { CallerTransaction, LeaseHold } from '../../src/index.ts'
import { mutated } from '../mutation/mutated.ts'
import type { TableAddress } from '../support/contract-backend.ts'
import { openTransaction } from '../support/open-transaction.ts'
import type { SuiteContext } from './suite-context.ts'
import { clockIsBehindUs, requestFor, take } from './taking.ts'

/** What holders and waiters, also of several processes, say to each other through the store. */
export function sharing(context: SuiteContext): void {
  describe('handing over', () => handingOver(context))
  describe('wanting a key', () => wanting(context))
  // Wake-ups themselves are tested where they are made; here, what the statements say.
  describe.runIf(context.backend.name.endsWith('(pg)'))('telling who listens', () => telling(context))
}

function handingOver(context: SuiteContext): void {
  test('the heir is granted the key in the same step, with a higher token; the old hold is over', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    const heir = requestFor(hold.key, { heldBy: 'heir', ttlUs: 50_000_000 })
    const outcome = await store.handOver(hold, heir)
    if (!outcome.granted) return expect.fail('refused')
    expect(outcome.token).toBeGreaterThan(hold.token)
    expect(outcome.isWanted).toBe(false)
    const state = await store.inspect(hold.key)
    expect(state).toMatchObject({ owner: heir.owner, token: outcome.token })
    expect(state?.remainingUs).toBeGreaterThan(45_000_000)
    const lastsUs = Number(state?.nowUs) + Number(state?.remainingUs) - outcome.grantedAtUs
    expect(lastsUs).toBeGreaterThan(50_000_000 + clockIsBehindUs(context) - 2)
    expect(state?.remainingUs).toBeLessThanOrEqual(50_001_000)
    expect(outcome.grantedAtUs + 50_001_001).toBeGreaterThanOrEqual(Number(state?.nowUs) + Number(state?.remainingUs))
    expect(outcome.grantedAtUs).toBeLessThanOrEqual(Number(state?.nowUs) + 1)
    expect(await store.extend(hold, 90_000_000)).toBeNull()
    expect(await store.release(hold)).toBe(false)
    expect(await store.handOver(hold, requestFor(hold.key))).toEqual({ granted: false })
    expect(await store.extend({ ...heir, token: outcome.token }, 60_000_000)).not.toBeNull()
    expect(await store.release({ ...heir, token: outcome.token })).toBe(true)
  })

  test('tokens keep growing through many hand-overs in a row, and the last hold is exact', async () => {
    const store = context.open.store()
    let hold = await take(store, requestFor(context.key()))
    for (let round = 0; round < 30; round++) {
      const heir = requestFor(hold.key)
      const outcome = await store.handOver(hold, heir)
      if (!outcome.granted) return expect.fail('refused')
      expect(outcome.token).toBeGreaterThan(hold.token)
      hold = { key: heir.key, owner: heir.owner, token: outcome.token }
    }
    expect((await store.inspect(hold.key))?.token).toBe(hold.token)
    expect(await store.release(hold)).toBe(true)
  })

  test('needs key, owner and token to match, and changes no other key', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    const neighbour = await take(store, requestFor(context.key(), { owner: hold.owner }))
    const strangers: LeaseHold[] = [
      { ...hold, owner: 'stranger' },
      { ...hold, token: hold.token + 1 },
      { ...hold, token: hold.token - 1 },
      { ...hold, key: context.key() },
    ]
    for (const stranger of strangers) {
      expect(await store.handOver(stranger, requestFor(stranger.key))).toEqual({ granted: false })
      expect((await store.inspect(hold.key))?.owner).toBe(hold.owner)
    }
    if (context.backend.family !== 'memory') await context.open.setToken(neighbour.key, hold.token)
    expect((await store.handOver(hold, requestFor(hold.key))).granted).toBe(true)
    expect((await store.inspect(neighbour.key))?.owner).toBe(hold.owner)
  })

  test('an expired hold that nobody took can be handed over; one that was taken over or released cannot', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key(), { ttlUs: 10_000_000 }))
    await context.open.pass(11_000)
    const heir = requestFor(hold.key, { ttlUs: 10_000_000 })
    const handed = await store.handOver(hold, heir)
    expect(handed.granted).toBe(true)
    await context.open.pass(11_000)
    const other = await take(store, requestFor(hold.key))
    const second = { ...heir, token: handed.granted ? handed.token : 0 }
    expect(await store.handOver(second, requestFor(hold.key))).toEqual({ granted: false })
    expect(await store.release(other)).toBe(true)
    expect(await store.handOver(other, requestFor(hold.key))).toEqual({ granted: false })
    expect(await store.inspect(hold.key)).toMatchObject({ owner: null })
  })

  test('an heir who never heard of it finds its attempt, and another one does not', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    const heir = requestFor(hold.key)
    const handed = await store.handOver(hold, heir)
    if (!handed.granted) return expect.fail('refused')
    expect(await store.handOver(hold, heir)).toEqual({ granted: false })
    expect((await store.tryAcquire({ ...heir, attempt: 'another' })).granted).toBe(false)
    const again = await take(store, heir)
    expect(again.token).toBe(handed.token)
    expect(await store.abandon(hold.key, heir.attempt)).toBe(true)
  })

  test('a lease that never ends can be handed over as one that does, and the other way round', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key(), { ttlUs: null }))
    const heir = requestFor(hold.key, { ttlUs: 10_000_000 })
    const first = await store.handOver(hold, heir)
    expect((await store.inspect(hold.key))?.remainingUs).toBeLessThanOrEqual(10_001_000)
    const endless = requestFor(hold.key, { ttlUs: null })
    await store.handOver({ ...heir, token: first.granted ? first.token : 0 }, endless)
    expect(await store.inspect(hold.key)).toMatchObject({ owner: endless.owner, remainingUs: null })
  })

  test('that others want the key is told, and stays; the next try that is granted resets it', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    expect(await store.want(hold.key)).toBe('marked')
    let current: LeaseHold = hold
    for (let round = 0; round < 4; round++) {
      const heir = requestFor(hold.key)
      const outcome = await store.handOver(current, heir)
      expect(outcome).toMatchObject({ granted: true, isWanted: true })
      if (outcome.granted) current = { ...heir, token: outcome.token }
      expect((await store.inspect(hold.key))?.token).toBe(current.token)
    }
    expect(await store.release(current)).toBe(true)
    const next = await take(store, requestFor(hold.key))
    expect(await store.handOver(next, requestFor(hold.key))).toMatchObject({ granted: true, isWanted: false })
  })

  if (context.backend.family === 'memory') return

  test('tokens grow though the clock of the database was set back, and are not behind it', async () => {
    const store = context.open.store()
    for (const isWanted of [false, true]) {
      const hold = await take(store, requestFor(context.key()))
      if (isWanted) await store.want(hold.key)
      await context.open.setToken(hold.key, 5)
      const heir = requestFor(hold.key)
      const caughtUp = await store.handOver({ ...hold, token: 5 }, heir)
      if (!caughtUp.granted) return expect.fail('refused')
      expect(caughtUp.token).toBeGreaterThanOrEqual(hold.token)
      for (const ahead of [3_600_000_000, 3_600_000_001]) {
        const old = { ...heir, token: caughtUp.token + ahead }
        await context.open.setToken(hold.key, old.token)
        const outcome = await store.handOver(old, heir)
        if (!outcome.granted) return expect.fail('refused')
        expect(outcome.isWanted).toBe(isWanted)
        // One more where the token has to tell whether the key is wanted.
        expect(outcome.token - old.token).toBeGreaterThanOrEqual(1)
        expect(outcome.token - old.token).toBeLessThanOrEqual(2)
      }
    }
  })

  test.runIf(hasAddress(context))('writes down who holds the key, and since when', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key(), { heldBy: 'first' }))
    await context.open.pass(5_000)
    const outcome = await store.handOver(hold, requestFor(hold.key, { heldBy: 'second' }))
    const row = (await context.open.rows()).find(({ key }) => key === hold.key)
    expect(row?.heldBy).toBe('second')
    const column = context.backend.family === 'mysql' ? '`key`' : 'key'
    const [since] = await context.open.send(
      `select acquired_at from ${addressOf(context).tableName} where ${column} = '${hold.key}'`,
    )
    expect(outcome.granted && Math.abs(outcome.grantedAtUs - Number(since?.acquired_at))).toBeLessThanOrEqual(1)
  })
}

function wanting(context: SuiteContext): void {
  test('a key that is held can be marked, again and again', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    const neighbour = await take(store, requestFor(context.key()))
    expect(await store.want(hold.key)).toBe('marked')
    expect(await context.open.store().want(hold.key)).toBe('marked')
    expect(await store.handOver(hold, requestFor(hold.key))).toMatchObject({ isWanted: true })
    expect(await store.handOver(neighbour, requestFor(neighbour.key))).toMatchObject({ isWanted: false })
  })

  test('whether another key is marked, does not matter', async () => {
    const store = context.open.store()
    // Before all others in the order of keys.
    const first = await take(store, requestFor(`!${context.key()}`))
    expect(await store.want(first.key)).toBe('marked')
    const hold = await take(store, requestFor(context.key()))
    expect(await store.want(hold.key)).toBe('marked')
    expect(await store.handOver(hold, requestFor(hold.key))).toMatchObject({ isWanted: true })
  })

  test('a lease that never ends can be marked', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key(), { ttlUs: null }))
    expect(await store.want(hold.key)).toBe('marked')
    expect(await store.handOver(hold, requestFor(hold.key))).toMatchObject({ isWanted: true })
  })

  test('a key that nobody holds is free: missing, released, force-released or expired', async () => {
    const store = context.open.store()
    expect(await store.want(context.key())).toBe('free')
    const released = await take(store, requestFor(context.key()))
    await store.release(released)
    expect(await store.want(released.key)).toBe('free')
    const forced = await take(store, requestFor(context.key(), { ttlUs: null }))
    await store.forceRelease(forced.key)
    expect(await store.want(forced.key)).toBe('free')
    const expired = await take(store, requestFor(context.key(), { ttlUs: 10_000_000 }))
    expect(await store.want(expired.key)).toBe('marked')
    await context.open.pass(11_000)
    expect(await store.want(expired.key)).toBe('free')
  })

  test('a free key is not marked by asking', async () => {
    const store = context.open.store()
    const expired = await take(store, requestFor(context.key(), { ttlUs: 10_000_000 }))
    await context.open.pass(11_000)
    expect(await store.want(expired.key)).toBe('free')
    expect(await store.handOver(expired, requestFor(expired.key))).toMatchObject({ granted: true, isWanted: false })
  })

  test('what is released stays marked until it is granted anew, and extensions leave the mark', async () => {
    const store = context.open.store()
    const hold = await take(store, requestFor(context.key()))
    await store.want(hold.key)
    await store.extend(hold, 60_000_000)
    await store.extendAll([{ hold, ttlUs: 60_000_000 }], 5_000)
    const heir = requestFor(hold.key)
    const handed = await store.handOver(hold, heir)
    expect(handed).toMatchObject({ isWanted: true })
    await store.release({ ...heir, token: handed.granted ? handed.token : 0 })
    expect(await store.want(hold.key)).toBe('free')
    const next = await take(store, requestFor(hold.key))
    expect(await store.handOver(next, requestFor(hold.key))).toMatchObject({ isWanted: false })
  })

  test.runIf(hasAddress(context))(
    'a mark needs an owner: a row that nobody owns is free, whatever its time',
    async () => {
      const store = context.open.store()
      const hold = await take(store, requestFor(context.key()))
      const column = context.backend.family === 'mysql' ? '`key`' : 'key'
      const { tableName } = addressOf(context)
      const disown = (key: string) =>
        context.open.send(`update ${tableName} set owner = null where ${column} = '${key}'`)
      await disown(hold.key)
      expect(await store.want(hold.key)).toBe('free')
      const marked = await take(store, requestFor(context.key()))
      expect(await store.want(marked.key)).toBe('marked')
      await disown(marked.key)
      expect(await store.want(marked.key)).toBe('free')
    },
  )
}

function telling(context: SuiteContext): void {
  let listener: pg.Client
  const heard: string[] = []
  beforeAll(async () => {
    const { url, tableName } = addressOf(context)
    listener = new pg.Client({ connectionString: url })
    await listener.connect()
    listener.on('notification', ({ channel, payload }) => {
      if (channel === tableName) heard.push(String(payload))
    })
    await listener.query(`listen "${tableName}"`)
  })
  afterAll(() => listener.end())

  /** All that was told up to now. */
  const allHeard = async () => {
    await listener.query('select 1')
    await sleep(50)
    return heard.splice(0)
  }
  const held = async (isWanted: boolean, key = context.key()) => {
    const store = context.open.store()
    const request = requestFor(key)
    const hold = await take(store, request)
    if (isWanted) expect(await store.want(key)).toBe('marked')
    return { store, hold, request }
  }
  type Held = Awaited<ReturnType<typeof held>>
  const FREEING: Record<string, (held: Held) => Promise<unknown>> = {
    release: ({ store, hold }) => store.release(hold),
    abandon: ({ store, request }) => store.abandon(request.key, request.attempt),
    'forced release': ({ store, hold }) => store.forceRelease(hold.key),
    'run that ends without a period': ({ store, hold }) => store.finishRun(hold, { periodUs: null, hasFailed: true }),
    'run whose period is over': async ({ store, hold }) => {
      await context.open.pass(10)
      return store.finishRun(hold, { periodUs: 5_000, hasFailed: false })
    },
  }

  test.each(Object.entries(FREEING))('a %s is told if the key is wanted, and not else', async (_name, free) => {
    await allHeard()
    const quiet = await held(false)
    expect(await free(quiet)).toBe(true)
    const wanted = await held(true)
    expect(await allHeard()).toEqual([])
    expect(await free(wanted)).toBe(true)
    expect(await allHeard()).toEqual([wanted.hold.key])
    const anew = await held(false, wanted.hold.key)
    expect(await free(anew)).toBe(true)
    expect(await allHeard()).toEqual([])
  })

  test('what frees nothing is not told: an extension, a hand-over, a stranger', async () => {
    await allHeard()
    const { store, hold } = await held(true)
    await store.release({ ...hold, token: hold.token + 1 })
    await store.abandon(hold.key, 'another')
    await store.extend(hold, 60_000_000)
    await store.extendAll([{ hold, ttlUs: 60_000_000 }], 5_000)
    await store.handOver(hold, requestFor(hold.key))
    expect(await allHeard()).toEqual([])
  })

  test('a run that keeps its key for a while tells that its end has changed', async () => {
    await allHeard()
    const { store, hold } = await held(true)
    expect(await store.finishRun(hold, { periodUs: 3_600_000_000, hasFailed: false })).toBe(true)
    expect(await allHeard()).toEqual([hold.key])
  })

  test.each(['commit', 'rollback'] as const)('a release in a transaction is told at its commit: %s', async (how) => {
    await allHeard()
    for (const isWanted of [true, false]) {
      const { hold } = await held(isWanted)
      const neighbour = await held(false)
      const { url } = addressOf(context)
      const client = new pg.Client({ connectionString: url })
      await client.connect()
      await client.query('begin')
      const broken = mutated('postgres', addressOf(context).tableName)
      const { handle, execute } = fromPg(client)
      const transaction: CallerTransaction = {
        handle,
        execute: (statement, values) => execute({ ...statement, sql: broken(statement.sql) }, values),
      }
      expect(await context.open.store().within?.(transaction).release(hold)).toBe(true)
      expect(await allHeard()).toEqual([])
      await client.query(how)
      expect((await context.open.store().inspect(neighbour.hold.key))?.owner).not.toBeNull()
      expect(await allHeard()).toEqual(isWanted && how === 'commit' ? [hold.key] : [])
      await client.end()
    }
  })

  test.each(Object.keys(FREEING).slice(0, 4))(
    'a mark that commits while a %s waits for the row is told',
    async (name) => {
      await allHeard()
      const mine = await held(false)
      const { tableName } = addressOf(context)
      const marking = await openTransaction(addressOf(context))
      await marking.send(`update ${tableName} set wanted = true where key = '${mine.hold.key}'`)
      const freed = FREEING[name]?.(mine)
      await sleep(100)
      expect(await allHeard()).toEqual([])
      await marking.end('commit')
      expect(await freed).toBe(true)
      expect(await allHeard()).toEqual([mine.hold.key])
    },
  )
}

/** Whether other processes can open the table. */
function hasAddress({ backend }: SuiteContext): boolean {
  return /\((pg|mysql2|better-sqlite3)\)$/.test(backend.name)
}

/** Where the table is: not known of those that no other process can open. */
function addressOf({ open }: SuiteContext): TableAddress {
  return open.address ?? expect.fail('no other process can open it')
}
