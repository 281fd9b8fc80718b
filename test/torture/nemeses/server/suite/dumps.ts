import { describe, test } from 'vitest'
import { optionalServer } from '../../../../support/optional-server.ts'
import { type DumpProgram, dumpProgram } from '../dump-program.ts'
import type { Tested } from './tested.ts'

/** Whether the program can be had. */
export async function canDump({ family, name }: Tested): Promise<boolean> {
  const program: DumpProgram = family === 'postgres' ? 'pg_dump' : name === 'mariadb' ? 'mariadb-dump' : 'mysqldump'
  const unpacked = await optionalServer(`dumps by ${program}`, async () => {
    const [command = ''] = await dumpProgram(program)
    return { url: '', version: '', source: command, stop: async () => {} }
  })
  return unpacked !== undefined
}

/** The fault that needs a program which may have to be downloaded. */
export function dumps(tested: Tested): void {
  const ways =
    tested.family === 'postgres'
      ? ['--format=plain', '--serializable-deferrable']
      : ['--single-transaction', '--lock-tables']

  describe('dump', () => {
    // It throws if no dump came to its end.
    test.for(ways)('%s', async (way, context) => {
      if (!tested.canDump) context.skip()
      await tested.inject('dump', { way, forMs: 500 })
    })
  })
}
