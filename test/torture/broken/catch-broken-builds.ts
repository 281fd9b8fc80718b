import { rm } from 'node:fs/promises'
import { describe, expect, test } from 'vitest'
import { dialectNamed } from '../../../src/dialects/detect.ts'
import { statementsOf } from '../../mutation/mutated.ts'
import type { TortureDatabase } from '../databases/torture-database.ts'
import { torture } from '../torture.ts'
import { BROKEN_BUILDS } from './broken-builds.ts'

const A_MINUTE_MS = 60_000

/** Every broken build that shows on this database must be caught within a minute, by a check that is meant to find it. */
export function catchBrokenBuilds(family: 'postgres' | 'sqlite', start: () => Promise<TortureDatabase>): void {
  describe.each(BROKEN_BUILDS.filter(({ families }) => families.includes(family)))('$name', (build) => {
    const { breakSql, name, caughtBy, work, faults } = build

    test.runIf(breakSql !== undefined)('it breaks something', () => {
      const statements = statementsOf(dialectNamed(family, { tableName: 'verrou_locks', schema: undefined }))
      const broken = statements.filter(({ sql }) => breakSql?.(sql) !== sql)
      expect(broken.map((statement) => statement.name)).not.toEqual([])
    })

    test('it is caught', { timeout: 2 * A_MINUTE_MS }, async () => {
      const database = await start()
      try {
        const { violations, folder } = await torture({
          ...{
            database,
            seed: 5,
            durationMs: A_MINUTE_MS - 5_000,
            broken: name,
            stopsAt: caughtBy,
            only: work,
            faults,
          },
        })
        await rm(folder, { recursive: true, force: true })
        expect(violations.map(({ check }) => check)).toEqual(
          expect.arrayContaining([expect.stringMatching(new RegExp(`^(${caughtBy.join('|')})$`))]),
        )
      } finally {
        await database.stop()
      }
    })
  })
}
