import { randomBytes } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REPOSITORY } from '../../scripts/repository.ts'
import { CALLED_FUNCTIONS } from '../../src/cli/doctor/called-functions.ts'
import { examine } from '../../src/cli/doctor/examine.ts'
import { DOCTOR_SERVERS, type DoctorPlace, migrated, TABLE } from '../support/doctor/doctor-places.ts'
import { type Examined, openExamined } from '../support/doctor/examined.ts'
import { sendMysql, sendPostgres } from '../support/throwaway-database.ts'

describe.each(DOCTOR_SERVERS)('doctor, a user who may only look: $name', ({ family, create }) => {
  const role = `verrou_role_${randomBytes(4).toString('hex')}`
  const name = family === 'postgres' ? role : `'${role}'@'%'`
  let place: DoctorPlace
  let one: Examined
  const send = (sql: string) => (family === 'postgres' ? sendPostgres : sendMysql)(place.url, sql)

  beforeAll(async () => {
    place = await migrated(await create())
    const [create_, password] = family === 'postgres' ? ['role', "login password 'x'"] : ['user', "identified by 'x'"]
    await send(`create ${create_} ${name} ${password}; grant select on ${TABLE} to ${name}`)
    const url = Object.assign(new URL(place.url), { username: role, password: 'x' })
    one = await openExamined(url.href, TABLE)
  })
  afterAll(async () => {
    await one[Symbol.asyncDispose]()
    await send(family === 'postgres' ? `drop owned by ${role}; drop role ${role}` : `drop user ${name}`)
    await place.drop()
  })

  test('is told what he may not', async () => {
    const what = 'this user may not insert, update, delete'
    const todo = expect.stringContaining('grant insert, update, delete')
    expect(await one.check('rights')).toEqual([expect.objectContaining({ level: 'problem', what, todo })])
  })

  test('has all checks that need no more rights, and is told which do', async () => {
    const findings = await examine(one.patient)
    const namesOf = (level: string) => findings.filter((one) => one.level === level).map(({ check }) => check)
    expect(namesOf('problem')).toEqual(['rights'])
    expect(findings).toContainEqual(expect.objectContaining({ check: 'table', level: 'ok' }))
    // MySQL and MariaDB show transactions to those who have PROCESS.
    expect([...new Set(namesOf('unchecked'))]).toEqual(family === 'postgres' ? [] : ['blockers', 'bloat'])
  })

  test.runIf(family === 'postgres')('is told which functions he may not call, and what fails', async () => {
    await send('revoke execute on function pg_catalog.pg_notify(text, text) from public')
    try {
      const [what, why] = ['this user may not call pg_notify', 'what fails: waking waiters']
      expect(await one.check('rights')).toContainEqual(expect.objectContaining({ level: 'problem', what, why }))
      // And it is what happens:
      const deaf = await one.check('listen')
      expect(deaf).toEqual([{ level: 'unchecked', what: 'not checked: permission denied for function pg_notify' }])
    } finally {
      await send('grant execute on function pg_catalog.pg_notify(text, text) to public')
    }
  })
})

test('the functions that are looked at are those that docs/security.md names', () => {
  const page = readFileSync(join(REPOSITORY, 'docs/security.md'), 'utf8')
  const sentences = [
    ...page.matchAll(/^(?:The statements call these functions|Those of `presence` also call): (.*)$/gm),
  ]
  const named = sentences.flatMap(([, names]) => [...(names as string).matchAll(/`(\w+)`/g)].map(([, name]) => name))
  expect(Object.values(CALLED_FUNCTIONS).flat().sort()).toEqual(named.sort())
})
