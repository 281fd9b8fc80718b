import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test, vi } from 'vitest'
import { blockersLongerThan } from '../../src/cli/doctor/checks/blockers.ts'
import type { DialectName } from '../../src/dialects/compiler.ts'
import { DOCTOR_SERVERS, type DoctorPlace, migrated, TABLE } from '../support/doctor/doctor-places.ts'
import { badOf, type Examined, openExamined } from '../support/doctor/examined.ts'

/** MariaDB keeps what it shows of transactions for as long as somebody looks more often than every 100 ms. */
const SELDOM = { timeout: 10_000, interval: 250 }
/** For tests, every transaction is long. */
const blockers = blockersLongerThan(0)

interface OtherSession {
  send(sql: string): Promise<unknown>
  end(): Promise<unknown>
}

describe.each(DOCTOR_SERVERS)('doctor, transactions with rows locked: $name', ({ family, create }) => {
  const key = family === 'mysql' ? '`key`' : 'key'
  let place: DoctorPlace
  let one: Examined
  let transaction: OtherSession
  let waiter: OtherSession

  beforeAll(async () => {
    place = await migrated(await create())
    one = await openExamined(place.url, TABLE)
    await one.send(`insert into ${TABLE} (${key}, token, expires_at, acquired_at) values ('a', 1, 0, 0)`)
  })
  beforeEach(async () => {
    transaction = await openSession(family, place.url)
    waiter = await openSession(family, place.url)
    await transaction.send('begin')
    await transaction.send(`update ${TABLE} set held_by = 'x'`)
  })
  afterEach(async () => {
    await transaction.end()
    await waiter.end()
  })
  afterAll(async () => {
    await one[Symbol.asyncDispose]()
    await place.drop()
  })

  const whats = async () => badOf(await one.check(blockers)).map(({ what }) => what)

  test('who they are, for how long, and how many wait', async () => {
    const waiting = waiter.send(`update ${TABLE} set held_by = 'y'`)
    const { username } = new URL(place.url)
    const says = `^session \\d+ of ${username} .*had rows of the table locked in a transaction for \\d+ s; 1 wait for it$`
    await vi.waitFor(async () => {
      expect(await whats()).toContainEqual(expect.stringMatching(new RegExp(says)))
    }, SELDOM)
    await transaction.send('rollback')
    await waiting
    await vi.waitFor(async () => expect(await whats()).toEqual([]), SELDOM)
  })

  test('also when nobody waits', async () => {
    const isMariadb = one.patient.engine.name === 'MariaDB'
    const says = isMariadb ? /for \d+ s; MariaDB does not tell of which table$/ : /of the table locked.* for \d+ s$/
    await vi.waitFor(async () => expect(await whats()).toContainEqual(expect.stringMatching(says)), SELDOM)
  })

  test('a short one is nobody’s business', async () => {
    expect((await one.check('blockers')).map(({ level }) => level)).toEqual(['ok'])
  })
})

async function openSession(family: DialectName, url: string): Promise<OtherSession> {
  if (family === 'postgres') {
    const client = new pg.Client(url)
    await client.connect()
    return { send: (sql) => client.query(sql), end: () => client.end() }
  }
  const connection = await mysql.createConnection(url)
  return { send: (sql) => connection.query(sql), end: () => connection.end() }
}
