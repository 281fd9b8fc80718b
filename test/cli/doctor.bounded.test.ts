import mysql from 'mysql2/promise'
import pg from 'pg'
import { describe, expect, test } from 'vitest'
import { examine } from '../../src/cli/doctor/examine.ts'
import type { DialectName } from '../../src/dialects/compiler.ts'
import { DOCTOR_SERVERS, migrated, TABLE } from '../support/doctor/doctor-places.ts'
import { openExamined } from '../support/doctor/examined.ts'

describe.concurrent('doctor, while somebody else has the whole table', () => {
  test.each(DOCTOR_SERVERS)(
    '$name: comes to an end, and says what could not be looked at',
    async ({ family, create }) => {
      const place = await migrated(await create())
      const unlock = await lockTable(family, place.url)
      try {
        await using one = await openExamined(place.url, TABLE)
        const startMs = performance.now()
        const findings = await examine(one.patient)
        expect(performance.now() - startMs).toBeLessThan(17_000)
        expect(findings).toContainEqual({
          check: 'free-rows',
          level: 'unchecked',
          what: expect.stringMatching(/^not checked: .*(lock timeout|Lock wait timeout|max_statement_time)/),
        })
        expect(findings).toContainEqual(expect.objectContaining({ check: 'server', level: 'ok' }))
      } finally {
        await unlock()
        await place.drop()
      }
    },
  )
})

/** @returns ends it */
async function lockTable(family: DialectName, url: string): Promise<() => Promise<unknown>> {
  if (family === 'postgres') {
    const client = new pg.Client(url)
    await client.connect()
    await client.query(`begin; lock table ${TABLE} in access exclusive mode`)
    return () => client.end()
  }
  const connection = await mysql.createConnection(url)
  await connection.query(`lock tables ${TABLE} write`)
  return () => connection.end()
}
