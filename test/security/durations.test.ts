import { expect, test } from 'vitest'
import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory } from '../../src/index.ts'

/** What makes a regular expression that backtracks take for ever: many ways to read the same digits, signs and spaces, and a bad end. */
const ATTACKS: readonly (readonly [unit: string, end: string])[] = [
  ['1', 'x'],
  ['1.', '!'],
  ['.1', 'ms ms'],
  ['-', '1s'],
  [' ', 's'],
  ['\t\n', '1'],
  ['9'.repeat(50), '.'.repeat(49)],
  ['1m', 's'],
  ['milliseconds', ' '],
  ['://', '!'],
  ['password', '='],
]

/** Far more than it takes, far less than what backtracking costs. */
const LONGEST_MS = 50

test('no text keeps the parsing of a duration busy', async () => {
  const locks = new LockFactory(memoryStore())
  for (const [unit, end] of ATTACKS) {
    for (const length of [50, 100, 101, 10_000, 1_000_000]) {
      const text = unit.repeat(Math.ceil(length / unit.length)).slice(0, length - end.length) + end
      const quickest = Math.min(timeOf(locks, text), timeOf(locks, text), timeOf(locks, text))
      expect(quickest, `${JSON.stringify(unit)} × ${length}`).toBeLessThan(LONGEST_MS)
    }
  }
  await locks.close()
})

/** The least of three: another process may have had the processor. */
function timeOf(locks: LockFactory, text: string): number {
  const startMs = performance.now()
  for (const call of [
    () => locks.createLock('k', text),
    () => locks.createLock(text),
    () => new LockFactory(memoryStore(), { maxHold: text }),
  ]) {
    try {
      call()
    } catch {
      // Refused, most of them.
    }
  }
  return performance.now() - startMs
}
