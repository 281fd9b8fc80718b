import { expect, test } from 'vitest'
import { FreedKeys } from '../src/store/freed-keys.ts'

test('a key that was given back is known to the next try, and only to that', () => {
  const keys = new FreedKeys()
  expect(keys.take('k')).toBe(false)
  keys.add('k')
  keys.add('k')
  expect(keys.take('other')).toBe(false)
  expect(keys.take('k')).toBe(true)
  expect(keys.take('k')).toBe(false)
})

test('a process that gives back ever new keys remembers a bounded number of them', () => {
  const keys = new FreedKeys()
  for (let n = 0; n < 25_000; n++) keys.add(`k${n}`)
  const remembered = Array.from({ length: 25_000 }, (_, n) => keys.take(`k${n}`)).filter(Boolean)
  expect(remembered.length).toBeGreaterThan(0)
  expect(remembered.length).toBeLessThanOrEqual(10_000)
})
