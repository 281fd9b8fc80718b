import { describe, expect, test } from 'vitest'
import { ratioOf, spreadOf } from '../../bench/measure/spread.ts'

describe('a spread', () => {
  test('is the median, the least and the most', () => {
    expect(spreadOf([30, 10, 20])).toEqual({ median: 20, least: 10, most: 30, rounds: 3 })
    expect(spreadOf([4, 1, 3, 2])).toEqual({ median: 2.5, least: 1, most: 4, rounds: 4 })
    expect(spreadOf([7])).toEqual({ median: 7, least: 7, most: 7, rounds: 1 })
  })

  test('orders numbers as numbers, and leaves the rounds as they were', () => {
    const rounds = [9, 10, 100]
    expect(spreadOf(rounds).median).toBe(10)
    expect(rounds).toEqual([9, 10, 100])
  })

  test('of nothing is a mistake', () => {
    expect(() => spreadOf([])).toThrow('at least one value')
  })
})

describe('a ratio', () => {
  test('is worked out round by round: a slow round of the machine changes nothing', () => {
    expect(ratioOf([200, 20, 200], [100, 10, 100])).toEqual({ median: 2, least: 2, most: 2, rounds: 3 })
  })

  test('is not the ratio of the medians', () => {
    const [ours, theirs] = [
      [10, 20, 90],
      [10, 5, 30],
    ]
    expect(spreadOf(ours).median / spreadOf(theirs).median).toBe(2)
    expect(ratioOf(ours, theirs)).toMatchObject({ median: 3, least: 1, most: 4 })
  })

  test('needs as many rounds of both', () => {
    expect(() => ratioOf([1, 2], [1])).toThrow('2 rounds cannot be compared with 1')
  })
})
