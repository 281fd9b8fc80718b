import { randomBytes } from 'node:crypto'
import { afterAll, afterEach, beforeAll, describe, expect, test, vi } from 'vitest'
import { examine } from '../../src/cli/doctor/examine.ts'
import type { DialectName } from '../../src/dialects/compiler.ts'
import { DOCTOR_PLACES, type DoctorPlace, migrated, TABLE } from '../support/doctor/doctor-places.ts'
import { badOf, type Examined, openExamined } from '../support/doctor/examined.ts'

const FOREVER = '9223372036854775807'
const NOW: Readonly<Record<DialectName, string>> = {
  postgres: '(extract(epoch from clock_timestamp()) * 1000000)::bigint',
  mysql: "timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))",
  sqlite: "cast(unixepoch('subsec') * 1000000 as integer)",
}
const TWO_HOURS_US = 7_200_000_000

describe.each(DOCTOR_PLACES)('doctor, healthy and not: $name', ({ family, create }) => {
  const now = NOW[family]
  let place: DoctorPlace
  let one: Examined

  beforeAll(async () => {
    place = await migrated(await create())
    one = await openExamined(place.url, TABLE)
  })
  afterEach(() => one.send(`delete from ${TABLE}`))
  afterAll(async () => {
    await one[Symbol.asyncDispose]()
    await place.drop()
  })

  /** Rows with keys of their own; `owner`, `attempt`, `token`, `expires_at` as SQL. */
  async function insertRows(
    count: number,
    values: Partial<Record<'owner' | 'attempt' | 'token' | 'expires_at', string>>,
  ) {
    const { owner = 'null', attempt = 'null', token = '1', expires_at = '0' } = values
    const columns = `${family === 'mysql' ? '`key`' : 'key'}, owner, attempt, token, expires_at, acquired_at`
    for (let done = 0; done < count; done += 1000) {
      const keys = Array.from({ length: Math.min(1000, count - done) }, () => randomBytes(8).toString('hex'))
      const rows = keys.map((name) => `('${name}', ${owner}, ${attempt}, ${token}, ${expires_at}, 0)`)
      await one.send(`insert into ${TABLE} (${columns}) values ${rows.join(', ')}`)
    }
  }

  /** The rows are counted once for each patient. */
  async function check(name: string) {
    await using again = await openExamined(place.url, TABLE)
    return await again.check(name)
  }

  test('a healthy database: everything was looked at, and nothing is bad', async () => {
    const findings = await examine(one.patient)
    // The servers of the tests do not wait for the disk, and that is found.
    expect(badOf(findings).map((finding) => finding.check)).toEqual(family === 'sqlite' ? [] : ['durability'])
    const names = [...new Set(findings.map((finding) => finding.check))]
    expect(names).toEqual(expect.arrayContaining(['server', 'table', 'clock', 'blockers', 'bloat', 'free-rows']))
    expect(findings.filter(({ what }) => what === '' || /NaN|undefined|null/.test(what))).toEqual([])
  })

  test('keys that are free for long', async () => {
    await insertRows(10_000, { expires_at: `${now} - ${TWO_HOURS_US}` })
    expect(await check('free-rows')).toEqual([
      expect.objectContaining({
        level: 'warning',
        what: '10,000 rows, 10,000 free for longer than they are kept',
        todo: 'npx verrou prune',
      }),
    ])
  })

  test('leases for ever', async () => {
    await insertRows(2, { owner: "'somebody'", attempt: "'1'", expires_at: FOREVER })
    const what = '2 held for ever (a TTL of null)'
    expect(await check('endless-leases')).toEqual([expect.objectContaining({ level: 'note', what })])
  })

  test('leases that ended by themselves: a few, and many', async () => {
    const expired = { owner: "'somebody'", attempt: "'1'", expires_at: `${now} - 1` }
    await insertRows(1, expired)
    const one = '1 ended by itself, never released'
    expect(await check('expired-leases')).toEqual([expect.objectContaining({ level: 'note', what: one })])
    await insertRows(99, expired)
    const many = '100 ended by themselves, never released'
    expect(await check('expired-leases')).toEqual([expect.objectContaining({ level: 'warning', what: many })])
  })

  test('a clock that was set back', async () => {
    await insertRows(1, { token: `${now} + 90000000` })
    const what = expect.stringMatching(/1 fencing token is \d\d s ahead of the database’s clock: it was set back/)
    expect(badOf(await check('clock'))).toEqual([expect.objectContaining({ level: 'warning', what })])
  })

  test('a clock that differs from ours', async () => {
    const ahead = Date.now() + 60_000
    const clock = vi.spyOn(Date, 'now').mockReturnValue(ahead)
    const [difference] = await check('clock').finally(() => clock.mockRestore())
    const what = expect.stringMatching(/the database is [56]\d\.\d s behind this machine/)
    expect(difference).toEqual(expect.objectContaining({ level: 'note', what }))
  })

  test('a check that fails is not checked, and ends no other', async () => {
    const ask: Examined['patient']['ask'] = async () => {
      throw new Error('this role sees nothing')
    }
    const findings = await examine({ ...one.patient, ask, survey: () => ask(undefined as never) as never })
    const what = 'not checked: this role sees nothing'
    expect(findings.find((finding) => finding.check === 'bloat')).toEqual({ check: 'bloat', level: 'unchecked', what })
    expect(findings).toContainEqual(expect.objectContaining({ check: 'server', level: 'ok' }))
  })
})
