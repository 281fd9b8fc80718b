import { CompiledQuery } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { BenchResult } from '../../src/cli/bench/bench-result.ts'
import { startVerrou } from '../support/cli.ts'
import { DOCTOR_PLACES, type DoctorPlace } from '../support/doctor/doctor-places.ts'
import { openExamined } from '../support/doctor/examined.ts'

/** Of the tables of `verrou bench`. */
const TABLES = {
  postgres: "select relname as name from pg_class where relname like 'verrou\\_bench\\_%'",
  mysql:
    "select table_name as name from information_schema.tables where table_name like 'verrou\\_bench\\_%' and table_schema = database()",
  sqlite: "select name from sqlite_schema where name like 'verrou~_bench~_%' escape '~'",
}

describe.each(DOCTOR_PLACES)('verrou bench: $name', { timeout: 60_000 }, ({ family, create }) => {
  let place: DoctorPlace

  beforeAll(async () => {
    place = await create()
  })
  afterAll(() => place.drop())

  const bench = (...given: string[]) => startVerrou(['bench', '--url', place.url, ...given])

  async function tablesLeft(): Promise<unknown[]> {
    await using one = await openExamined(place.url, 'verrou_locks')
    const { rows } = await one.connection.db.executeQuery<{ name: string }>(CompiledQuery.raw(TABLES[family]))
    return rows.map(({ name }) => name)
  }

  test('measures, says under which circumstances, and leaves nothing behind', async () => {
    const { stdout, stderr, code } = await bench('--seconds', '1', '--json').ended
    expect([stderr, code]).toEqual(['', 0])
    const result: BenchResult = JSON.parse(stdout)
    for (const part of [result.oneCaller, result.manyCallers, result.handOver]) {
      expect(part.count).toBeGreaterThan(0)
      expect(part.medianMs).toBeGreaterThan(0)
      expect(part.p99Ms).toBeGreaterThanOrEqual(part.medianMs)
      expect(part.maxMs).toBeGreaterThanOrEqual(part.p99Ms * 0.99)
    }
    expect(result.oneCaller.perSecond).toBeCloseTo(result.oneCaller.count)
    expect(result.manyCallers.callers).toBe(64)
    expect(result.roundTripMs).toBeGreaterThan(0)
    expect(result.durability.map(({ name }) => name)).not.toEqual([])
    expect(await tablesLeft()).toEqual([])
  })

  test('stopped in the middle, it leaves nothing behind, either', async () => {
    const { process, ended } = bench('--seconds', '60')
    while ((await tablesLeft()).length === 0 && process.exitCode === null)
      await new Promise((look) => setTimeout(look, 50))
    process.kill('SIGINT')
    expect((await ended).code).toBe(130)
    expect(await tablesLeft()).toEqual([])
  })

  test.runIf(family === 'sqlite')('refuses what is no time', async () => {
    for (const given of ['0', 'soon', '-1']) {
      const { stderr, code } = await bench(`--seconds=${given}`).ended
      expect(stderr).toBe(`verrou: --seconds must be a number above 0, at most 600; got ${given}\n`)
      expect(code).toBe(64)
    }
  })

  test.runIf(family === 'sqlite')('says so when the time was too short for one', async () => {
    const { stdout, stderr, code } = await bench('--seconds', '0.000001').ended
    expect([stdout, stderr, code]).toEqual([
      '',
      'verrou: acquire and release, one caller: not one in 0.000001 s; measure for longer, with --seconds\n',
      69,
    ])
    expect(await tablesLeft()).toEqual([])
  })

  test.runIf(family === 'sqlite')('for people: a table, and what makes the numbers what they are', async () => {
    const { stdout } = await bench('--seconds', '0.6').ended
    expect(stdout).toMatch(/^SQLite [\d.]+ at sqlite:.*, 0\.6 s each\n/)
    expect(stdout).toMatch(/\none caller, acquire and release +[\d,]+ +\d+\.\d+ ms/)
    expect(stdout).toMatch(/\nhand-over to a waiter in another process +\d+/)
    expect(stdout).toMatch(
      /\nA round trip takes \d\.\d\d ms\.\nA grant (waits|does not wait) for the disk \(synchronous = \w+\)\.\n/,
    )
  })
})
