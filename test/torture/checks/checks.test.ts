import { expect, test } from 'vitest'
import { CHECKS, violationsIn } from './checks.ts'
import { expectNothing } from './expect-verdict.ts'
import { MadeUpStory } from './made-up-story.ts'

test('names are unique, and say what they mean', () => {
  expect(new Set(CHECKS.map(({ name }) => name)).size).toBe(CHECKS.length)
  for (const { meaning } of CHECKS) expect(meaning).toMatch(/\S{3}/)
})

test('nothing at all is lawful', () => expectNothing(new MadeUpStory().evidence()))

test('what was found after the end is passed on as it is', () => {
  expect(violationsIn(new MadeUpStory().evidence({ leftovers: ['a row'], unfinished: ['worker 3'] }))).toEqual([
    { check: 'leftovers', what: 'a row' },
    { check: 'workers that did not finish', what: 'worker 3' },
  ])
})
