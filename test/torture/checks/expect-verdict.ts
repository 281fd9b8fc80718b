import { expect } from 'vitest'
import type { Evidence } from '../evidence.ts'
import { violationsIn } from './checks.ts'

/** The checks that complain. */
export function found(evidence: Evidence): string[] {
  return [...new Set(violationsIn(evidence).map(({ check }) => check))]
}

/** All of them are content. */
export function expectNothing(evidence: Evidence): void {
  expect(violationsIn(evidence)).toEqual([])
}
