import { describe, test } from 'vitest'
import type { Tested } from './tested.ts'

/** Needs programs that may have to be downloaded. */
export function dumps(tested: Tested): void {
  const ways =
    tested.family === 'postgres'
      ? ['--format=plain', '--serializable-deferrable']
      : ['--single-transaction', '--lock-tables']
  // It throws if no dump came to its end.
  describe('dump', () => test.each(ways)('%s', (way) => tested.inject('dump', { way, forMs: 500 })))
}
