import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterEach, describe, expect, test, vi } from 'vitest'
import { REPOSITORY } from '../../scripts/repository.ts'
import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory } from '../../src/index.ts'
import { randomId, randomIds } from '../../src/random-id.ts'
import { changedStore } from '../support/changed-store.ts'
import { readSourceFiles } from '../support/source-files.ts'

afterEach(() => {
  vi.restoreAllMocks()
})

const COUNT = 100_000

test('random bits come from node:crypto, and from nothing else', () => {
  const source = readFileSync(join(REPOSITORY, 'src/random-id.ts'), 'utf8')
  expect(source.match(/^import .*$/gm)).toEqual(["import { randomBytes, randomFillSync } from 'node:crypto'"])
  expect(source).not.toMatch(/Math|Date|performance|pseudo/)
})

describe.each([
  ['an id', randomId],
  ['one of many ids', randomIds()],
])('%s', (_name, draw) => {
  test('is 128 bits', () => {
    expect(draw()).toMatch(/^[\w-]{22}$/)
    expect(Buffer.from(draw(), 'base64url').length).toBe(16)
  })

  test(`does not repeat in ${COUNT}, and every bit is as often 1 as 0`, () => {
    const seen = new Set<string>()
    const ones = new Array<number>(128).fill(0)
    for (let n = 0; n < COUNT; n++) {
      const id = draw()
      seen.add(id)
      const bytes = Buffer.from(id, 'base64url')
      for (let bit = 0; bit < 128; bit++) ones[bit]! += (bytes[bit >> 3]! >> (bit & 7)) & 1
    }
    expect(seen.size).toBe(COUNT)
    // Seven standard deviations: by chance, once in 10^9 runs of this test.
    const farthest = Math.max(...ones.map((count) => Math.abs(count - COUNT / 2)))
    expect(farthest).toBeLessThan(7 * Math.sqrt(COUNT / 4))
  })
})

describe('an owner id', () => {
  test('has nothing to do with time or with Math.random', () => {
    vi.spyOn(Math, 'random').mockReturnValue(0.5)
    vi.spyOn(Date, 'now').mockReturnValue(0)
    vi.spyOn(performance, 'now').mockReturnValue(0)
    const locks = new LockFactory(memoryStore({ nowMs: () => 0 }))
    const owners = Array.from({ length: 1_000 }, () => locks.createLock('k').getOwner())
    expect(new Set(owners).size).toBe(owners.length)
  })

  test('is another one for every lock, and every attempt', async () => {
    const attempts: string[] = []
    const { store } = changedStore((real) => ({
      tryAcquire(request) {
        attempts.push(request.attempt)
        return real.tryAcquire(request)
      },
    }))
    const lock = new LockFactory(store).createLock('k')
    for (let n = 0; n < 20; n++) {
      await lock.acquire()
      await lock.release()
    }
    expect(new Set([...attempts, lock.getOwner()]).size).toBe(21)
  })
})

test('Math.random only ever spreads out pauses: it is handed on as `chance`, never called for a value that is sent', () => {
  // The command's demo and its samples send nothing that must not be guessed.
  const library = readSourceFiles().filter(({ path }) => !path.startsWith('cli/'))
  const uses = library.flatMap(({ path, text }) =>
    text
      .split('\n')
      .filter((line) => line.includes('Math.random'))
      .map((line) => `${path}: ${line.trim()}`),
  )
  expect(
    uses.filter((use) => !/chance: (\(\) => number = )?Math\.random|backoffMs\(.*Math\.random\)/.test(use)),
  ).toEqual([])
})
