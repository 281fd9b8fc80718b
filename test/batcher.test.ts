import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { errors } from '../src/errors.ts'
import { Batcher, type Unanswered } from '../src/store/batcher.ts'
import { StoreTrouble, type TroubleKind } from '../src/store-trouble.ts'

/** Calls that come at the same moment leave together, and each is answered as if it had been sent alone. */

interface Call {
  readonly key: string
  readonly n: number
}

/** A database that answers when it is told to. */
function setUp(isEverybodys?: (outcome: { n: number }) => boolean) {
  const sent: Call[][] = []
  const waiting: (() => void)[] = []
  const answers = new Map<string, 'alone' | 'later' | Error>()
  const passing = () => new Promise<void>((resolve) => waiting.push(resolve))
  const outcomeOf = ({ key, n }: Call) => ({ key, n })
  const batcher = new Batcher<Call, { key: string; n: number }>({
    keyOf: ({ key }) => key,
    ...(isEverybodys ? { isEverybodys } : {}),
    async sendOne(call) {
      sent.push([call])
      await passing()
      const answer = answers.get(`${call.key} alone`)
      if (answer instanceof Error) throw answer
      return outcomeOf(call)
    },
    async sendMany(calls) {
      sent.push([...calls])
      await passing()
      const failure = calls.map(({ key }) => answers.get(key)).find((answer) => answer instanceof Error)
      if (failure) throw failure
      return calls.map((call) => (answers.get(call.key) as Unanswered | undefined) ?? outcomeOf(call))
    },
  })
  let n = 0
  /** The oldest statement without an answer has one now. */
  const answer = async () => {
    waiting.shift()?.()
    await sleep(1)
  }
  return {
    answers,
    answer,
    send: (key: string) => batcher.send({ key, n: n++ }),
    /** The keys of each statement. */
    keys: () => sent.map((calls) => calls.map(({ key }) => key).join(' ')),
    async answerAll() {
      while (waiting.length > 0) await answer()
    },
    turn: () => new Promise<void>((resolve) => setImmediate(resolve)),
  }
}

/** Two statements are on their way: whatever comes now has to wait. */
async function busy() {
  const at = setUp()
  const before = [at.send('x')]
  await at.turn()
  before.push(at.send('y'))
  await at.turn()
  expect(at.keys()).toEqual(['x', 'y'])
  return { ...at, before }
}

describe('what leaves when', () => {
  test('a call alone is sent in the same turn of the event loop', async () => {
    const { send, keys, turn, answerAll } = setUp()
    const answer = send('a')
    await turn()
    expect(keys()).toEqual(['a'])
    await answerAll()
    expect(await answer).toEqual({ key: 'a', n: 0 })
  })

  test('what comes in the same turn leaves together, also if it comes out of an answer', async () => {
    const { send, keys, turn, answerAll } = setUp()
    const all = ['a', 'b', 'c'].map(async (key) => {
      await send(key)
      await send(`${key}2`)
    })
    await turn()
    expect(keys()).toEqual(['a b c'])
    await answerAll()
    await Promise.all(all)
    expect(keys()).toEqual(['a b c', 'a2 b2 c2'])
  })

  test('what comes while two statements are on their way waits for the first answer, and leaves in one', async () => {
    const { send, keys, turn, answer, answerAll, before } = await busy()
    const all = ['a', 'b', 'c'].map((key) => send(key))
    await turn()
    expect(keys()).toHaveLength(2)
    await answer()
    expect(keys().slice(2)).toEqual(['a b c'])
    await answerAll()
    expect(await Promise.all([...before, ...all])).toMatchObject([{ n: 0 }, { n: 1 }, { n: 2 }, { n: 3 }, { n: 4 }])
  })

  test('calls with one key are never in one statement, nor in two at the same time, and keep their order', async () => {
    const { send, keys, turn, answer, answerAll } = setUp()
    const all = ['a', 'a', 'b', 'a'].map((key) => send(key))
    await turn()
    expect(keys()).toEqual(['a b'])
    all.push(send('a'), send('c'))
    await turn()
    expect(keys()).toEqual(['a b', 'c'])
    await answer()
    expect(keys()).toEqual(['a b', 'c', 'a'])
    await answerAll()
    expect(keys()).toEqual(['a b', 'c', 'a', 'a', 'a'])
    expect((await Promise.all(all)).map(({ n }) => n)).toEqual([0, 1, 2, 3, 4, 5])
  })

  describe('an outcome that is everybodys', () => {
    test('is that of all who came before the statement was sent, and of nobody who came later', async () => {
      const { send, keys, turn, answer, answerAll } = setUp(() => true)
      const early = ['a', 'b', 'a', 'a'].map((key) => send(key))
      await turn()
      expect(keys()).toEqual(['a b'])
      const late = send('a')
      await turn()
      await answer()
      expect((await Promise.all(early)).map(({ n }) => n)).toEqual([0, 1, 0, 0])
      expect(keys()).toEqual(['a b', 'a'])
      await answerAll()
      expect((await late).n).toBe(4)
    })

    test('is not any outcome: then the next one asks, and the others still stand behind it', async () => {
      const { send, keys, turn, answerAll } = setUp(({ n }) => n > 0)
      const all = ['a', 'a', 'a'].map((key) => send(key))
      await turn()
      await answerAll()
      expect(keys()).toEqual(['a', 'a'])
      expect((await Promise.all(all)).map(({ n }) => n)).toEqual([0, 1, 1])
    })

    test('is not waited for where the statement is stuck; an error is shared', async () => {
      const { send, keys, turn, answerAll, answers } = setUp(() => true)
      const all = ['a', 'a', 'a'].map((key) => send(key))
      await turn()
      await vi.waitFor(() => expect(keys().length).toBeGreaterThan(1), 2_000)
      await answerAll()
      await Promise.all(all)
      const error = new StoreTrouble('unanswered', new Error('cut off'))
      answers.set('b alone', error)
      const failing = Promise.allSettled(['b', 'b'].map((key) => send(key)))
      await turn()
      await answerAll()
      expect(await failing).toMatchObject([{ reason: error }, { reason: error }])
    })
  })

  test('128 and more are split among the lanes that are free, fewer are not', async () => {
    const sizesOf = async (calls: number) => {
      const at = setUp()
      const answered = Array.from({ length: calls }, (_, n) => at.send(`k${n}`))
      await at.turn()
      const sizes = at.keys().map((list) => list.split(' ').length)
      await at.answerAll()
      await Promise.all(answered)
      return sizes
    }
    expect(await sizesOf(127)).toEqual([127])
    expect(await sizesOf(128)).toEqual([64, 64])
    expect(await sizesOf(255)).toEqual([128, 127])
    expect(await sizesOf(2_000)).toEqual([256, 256])
  })

  test('no more than 256 calls in one statement', async () => {
    const { send, keys, turn, answerAll } = setUp()
    const all = Array.from({ length: 600 }, (_, n) => send(`k${n}`))
    await turn()
    await answerAll()
    expect(keys().map((list) => list.split(' ').length)).toEqual([256, 256, 88])
    expect((await Promise.all(all)).map(({ n }) => n)).toEqual(all.map((_, n) => n))
  })

  test('what takes longer than usual keeps nobody else from sending, and that is bounded, too', async () => {
    const { send, keys, turn, answerAll } = setUp()
    const all: Promise<unknown>[] = []
    for (let round = 0; round < 80; round++) {
      all.push(send(`key ${round}`))
      await turn()
      if (round > 1 && round < 66) await sleep(25)
    }
    await vi.waitFor(() => expect(keys()).toHaveLength(64), 10_000)
    await sleep(100)
    expect(keys()).toHaveLength(64)
    await answerAll()
    await Promise.all(all)
    expect(keys().join(' ').split(' key ')).toHaveLength(80)
  })

  test('a statement that is never answered keeps those with its key waiting for a second, and not for ever', async () => {
    const { send, keys, turn } = setUp()
    void send('a')
    await turn()
    void send('a')
    await sleep(300)
    expect(keys()).toEqual(['a'])
    await vi.waitFor(() => expect(keys()).toEqual(['a', 'a']), 3_000)
  })
})

describe('what becomes of each', () => {
  test('one that a statement for many cannot answer is sent alone; one of too many, later', async () => {
    const { send, keys, answers, turn, answer, answerAll } = setUp()
    answers.set('b', 'alone')
    answers.set('c', 'later')
    const all = ['a', 'b', 'c'].map((key) => send(key))
    await turn()
    await answer()
    answers.delete('c')
    await answerAll()
    expect(keys()).toEqual(['a b c', 'b', 'c'])
    expect(await Promise.all(all)).toMatchObject([{ key: 'a' }, { key: 'b' }, { key: 'c' }])
  })

  test('one that is sent alone keeps its turn: a later call with its key waits for it', async () => {
    const { send, keys, answers, turn, answer, answerAll } = setUp()
    answers.set('b', 'alone')
    const all = ['a', 'b', 'b'].map((key) => send(key))
    await turn()
    await answer()
    expect(keys()).toEqual(['a b', 'b'])
    all.push(send('c'))
    await turn()
    expect(keys()).toEqual(['a b', 'b', 'c'])
    await answerAll()
    expect(keys()).toEqual(['a b', 'b', 'c', 'b'])
    expect((await Promise.all(all)).map(({ n }) => n)).toEqual([0, 1, 2, 3])
  })

  test.each<TroubleKind>(['failed', 'transient'])(
    'one that fails with trouble of the kind %s does not fail the others',
    async (kind) => {
      const { send, keys, answers, turn, answerAll } = setUp()
      const bad = new StoreTrouble(kind, new Error('no such thing'))
      answers.set('b', bad).set('b alone', bad)
      const all = ['a', 'b', 'c'].map((key) => send(key))
      const settled = Promise.allSettled(all)
      await turn()
      await answerAll()
      // Not at once: the server may not have let go of what the batch had locked.
      expect(keys()).toEqual(['a b c'])
      await vi.waitUntil(() => keys().length === 4)
      await answerAll()
      expect(await settled).toMatchObject([
        { status: 'fulfilled', value: { key: 'a' } },
        { status: 'rejected', reason: bad },
        { status: 'fulfilled', value: { key: 'c' } },
      ])
      expect(keys()).toEqual(['a b c', 'a', 'b', 'c'])
    },
  )

  test.each([
    ['nobody knows what was done', new StoreTrouble('unanswered', new Error('cut off'))],
    ['there is no connection', new StoreTrouble('unreachable', new Error('refused'))],
    ['nobody understands the answer', new TypeError('unintelligible')],
    ['there is no table', new errors.E_SCHEMA_MISSING('missing')],
  ])('where %s, everybody is told, and nothing is sent again', async (_, error) => {
    const { send, keys, answers, turn, answerAll } = setUp()
    answers.set('b', error)
    const settled = Promise.allSettled(['a', 'b'].map((key) => send(key)))
    await turn()
    await answerAll()
    expect(await settled).toMatchObject([{ reason: error }, { reason: error }])
    expect(keys()).toEqual(['a b'])
  })
})
