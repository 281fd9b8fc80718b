import { expect, test } from 'vitest'
import type { Renewal } from '../../src/index.ts'
import type { SuiteContext } from './suite-context.ts'
import { clockIsBehindUs, requestFor, take } from './taking.ts'

/** Keys that JSON, SQL, a charset or a collation could spoil. */
const ODD = [
  '"',
  "'",
  '\\',
  '\\u0041',
  '😀',
  'é',
  'e\u0301',
  'E',
  'e',
  ' e',
  'e ',
  '\n',
  '\u2028',
  '\u0001',
  '$[*]',
  '{}',
  '%',
  '`',
]

/** Many extensions in one call. */
export function renewingMany(context: SuiteContext): void {
  const remaining = async (key: string) => (await context.open.store().inspect(key))?.remainingUs

  test('extends every hold by its own time, and answers in the order of the list', async () => {
    const store = context.open.store()
    const prefix = context.key()
    const holds = await Promise.all(ODD.map((odd) => take(store, requestFor(prefix + odd, { owner: `owner${odd}` }))))
    const renewals = holds.map((hold, index): Renewal => ({ hold, ttlUs: (100 + index) * 1_000_000 }))
    const before = await store.inspect(prefix + ODD[0])
    const answers = await store.extendAll(renewals, 10_000)
    expect(answers.map(({ kind }) => kind)).toEqual(ODD.map(() => 'renewed'))
    for (const [index, answer] of answers.entries()) {
      const state = await store.inspect(prefix + ODD[index])
      expect(state?.remainingUs).toBeLessThanOrEqual((100 + index) * 1_000_000 + 1_000)
      expect(state?.remainingUs).toBeGreaterThan((90 + index) * 1_000_000)
      if (answer.kind !== 'renewed') continue
      const lastsUs = Number(state?.nowUs) + Number(state?.remainingUs) - answer.atUs
      expect(lastsUs).toBeGreaterThan((100 + index) * 1_000_000 + clockIsBehindUs(context) - 1)
      expect(answer.atUs).toBeGreaterThanOrEqual(Number(before?.nowUs))
      expect(answer.atUs).toBeLessThanOrEqual(Number(state?.nowUs))
    }
  })

  test('tells which are lost: released, expired, taken over, unknown, of another owner or token', async () => {
    const store = context.open.store()
    const live = await take(store, requestFor(context.key()))
    const released = await take(store, requestFor(context.key()))
    await store.release(released)
    const expired = await take(store, requestFor(context.key(), { ttlUs: 10_000_000 }))
    const overtaken = await take(store, requestFor(context.key(), { ttlUs: 10_000_000 }))
    const endless = await take(store, requestFor(context.key(), { ttlUs: null }))
    await context.open.pass(11_000)
    const newer = await take(store, requestFor(overtaken.key))
    const stranger = await take(store, requestFor(context.key()))
    const holds = [
      released,
      live,
      expired,
      overtaken,
      newer,
      { ...live, key: context.key() },
      { ...stranger, owner: 'another' },
      { ...stranger, token: stranger.token + 1 },
      endless,
    ]
    const answers = await store.extendAll(
      holds.map((hold) => ({ hold, ttlUs: 60_000_000 })),
      10_000,
    )
    expect(answers.map(({ kind }) => kind)).toEqual([
      ...['lost', 'renewed', 'lost', 'lost', 'renewed', 'lost', 'lost', 'lost', 'renewed'],
    ])
    expect(await remaining(expired.key)).toBe(0)
    expect(await remaining(stranger.key)).toBeLessThanOrEqual(30_001_000)
    expect(await remaining(newer.key)).toBeGreaterThan(55_000_000)
    expect(await remaining(endless.key)).toBeNull()
  })

  test('two of one key with different tokens: the newer is renewed, the stale one is lost', async () => {
    const store = context.open.store()
    const request = requestFor(context.key())
    const stale = await take(store, request)
    await store.release(stale)
    const current = await take(store, request)
    for (const holds of [
      [stale, current],
      [current, stale],
    ]) {
      const answers = await store.extendAll(
        holds.map((hold) => ({ hold, ttlUs: hold === current ? 60_000_000 : 5_000_000 })),
        10_000,
      )
      expect(answers.map(({ kind }) => kind)).toEqual(holds.map((hold) => (hold === current ? 'renewed' : 'lost')))
      expect(await remaining(request.key)).toBeGreaterThan(55_000_000)
    }
  })

  test('never takes away what an extension by hand has given: a renewal may have been under way for long', async () => {
    const store = context.open.store()
    const holds = [await take(store, requestFor(context.key())), await take(store, requestFor(context.key()))]
    const renew = async (ttlUs: number | null) => {
      const answers = await store.extendAll(
        holds.map((hold) => ({ hold, ttlUs })),
        10_000,
      )
      expect(answers.map(({ kind }) => kind)).toEqual(['renewed', 'renewed'])
    }
    for (const hold of holds) await store.extend(hold, 3_600_000_000)
    await renew(10_000_000)
    for (const { key } of holds) expect(await remaining(key)).toBeGreaterThan(3_500_000_000)
    for (const ttlUs of [null, null, 10_000_000]) {
      await renew(ttlUs)
      for (const { key } of holds) expect(await remaining(key)).toBeNull()
    }
  })

  test('none at all, one, and more than go into one statement', async () => {
    const store = context.open.store()
    expect(await store.extendAll([], 10_000)).toEqual([])
    const hold = await take(store, requestFor(context.key()))
    expect(await store.extendAll([{ hold, ttlUs: 60_000_000 }], 10_000)).toMatchObject([{ kind: 'renewed' }])
    const last = await take(store, requestFor(context.key()))
    const unknown = Array.from({ length: 1_200 }, (_, index) => ({ ...hold, key: `${hold.key}:${index}` }))
    const answers = await store.extendAll(
      [hold, ...unknown, last].map((one) => ({ hold: one, ttlUs: 60_000_000 })),
      30_000,
    )
    expect(answers).toHaveLength(1_202)
    const renewed = answers.flatMap(({ kind }, index) => (kind === 'renewed' ? [index] : []))
    expect(renewed).toEqual([0, 1_201])
  })
}
