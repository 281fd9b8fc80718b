import { hostname } from 'node:os'
import { sql } from 'kysely'
import pg from 'pg'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { compilerFor } from '../../src/dialects/compiler.ts'
import { newKeyLock } from '../../src/dialects/postgres/new-key-lock.ts'
import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory } from '../../src/index.ts'
import { isSelected } from '../servers/selection.ts'
import { rejection } from '../suite/rejection.ts'
import { BACKENDS } from '../support/backends.ts'
import type { OpenBackend, TableAddress } from '../support/contract-backend.ts'
import { tableBackends } from '../support/contract-backends.ts'
import { pgBackend } from '../support/sql-backend.ts'

/** What somebody who chooses keys can do, and cannot. */

const LINES = [
  'a\nlevel=error msg="paid"',
  'a\r\nb',
  'a\u001b[2Jb',
  'a\u009b31mb',
  'a\u2028b\u2029c',
  'a\u0085b',
  'a\u202eb',
  'a\u200bb',
  'a\u{e0041}b',
  'a\x7fb',
]
const SHOWS_NOTHING_UNSEEN = /^[^\p{Cc}\p{Cf}\p{Zl}\p{Zp}]*$/u

describe('a key in a message', () => {
  test.each(LINES)('is on one line, and all of it is seen: %j', async (key) => {
    const locks = new LockFactory(memoryStore())
    const lock = locks.createLock(key)
    await locks.createLock(key).acquire()
    const errors = [
      await rejection(lock.release(), 'E_LOCK_NOT_OWNED'),
      await rejection(lock.extend(), 'E_LOCK_NOT_OWNED'),
      await rejection(lock.hold({ retry: { attempts: 1 } }), 'E_LOCK_TIMEOUT'),
      await rejection((async () => locks.createLock(`${key}${'x'.repeat(1024)}`))(), 'E_INVALID_KEY'),
      await rejection((async () => locks.createLock('k', key))(), 'E_INVALID_DURATION'),
      await rejection(lock.acquire({ [key]: 1 } as never), 'E_INVALID_OPTION'),
    ]
    for (const { message } of errors) expect(message).toMatch(SHOWS_NOTHING_UNSEEN)
    // What is shown in quotes is the very key again.
    expect(JSON.parse(/"(\\.|[^"])*"/.exec(errors[0]!.message)![0])).toBe(key)
  })

  test('is never longer than what was asked for', async () => {
    const locks = new LockFactory(memoryStore())
    const { message } = await rejection((async () => locks.createLock('k'.repeat(5_000_000)))(), 'E_INVALID_KEY')
    expect(message.length).toBeLessThan(300)
  })
})

for (const backend of tableBackends()) {
  describe(backend.name, () => {
    let open: OpenBackend
    beforeAll(async () => {
      open = await backend.open()
    })
    afterAll(() => open.close())

    test('`held_by` tells host and process, or only the label', async () => {
      await open.factory().createLock('by:default').acquire()
      await open.factory({ label: 'worker 7' }).createLock('by:label').acquire()
      const rows = await open.rows()
      const heldBy = (key: string) => rows.find((row) => row.key === key)?.heldBy
      expect(heldBy('by:default')).toBe(`${hostname()}:${process.pid}`)
      expect(heldBy('by:label')).toBe('worker 7')
    })

    test('a refused try on somebody else’s key leaves nothing of the one who tried', async () => {
      const owner = open.factory().createLock('whose')
      await owner.acquire()
      const before = (await open.rows()).find(({ key }) => key === 'whose')
      expect(await open.factory({ label: 'mallory' }).createLock('whose').acquireImmediately()).toBe(false)
      expect((await open.rows()).find(({ key }) => key === 'whose')).toEqual(before)
    })
  })
}

for (const { name, url } of BACKENDS.filter(({ family }) => family === 'postgres')) {
  describe(name, () => {
    let open: OpenBackend
    let other: pg.Client
    beforeAll(async () => {
      open = await pgBackend(name, url).open()
      other = new pg.Client(url)
      await other.connect()
    })
    afterAll(async () => {
      await other.end()
      await open.close()
    })

    test('a key whose 64-bit number is taken by another one is refused for that moment, and granted after it', async () => {
      const { tableName } = open.address as TableAddress
      const number = newKeyLock({ tableName, schema: undefined }, sql.lit('collides'))
      await other.query('begin')
      await other.query(sql`select pg_advisory_xact_lock(${number})`.compile(compilerFor('postgres')).sql)
      const locks = open.factory()
      expect(await locks.createLock('collides').acquireImmediately()).toBe(false)
      expect(await locks.createLock('does not').acquireImmediately()).toBe(true)
      const waiting = locks.createLock('collides').acquire({ retry: { delay: 50, timeout: '10s' } })
      await other.query('rollback')
      expect(await waiting).toBe(true)
      await locks.close()
    })

    test('a notification that somebody has made up wakes a waiter, and grants nothing', async () => {
      const { tableName } = open.address as TableAddress
      const locks = open.factory()
      const held = locks.createLock('notified', '1m')
      await held.acquire()
      let isGranted = false
      const waiting = open
        .factory()
        .createLock('notified')
        .acquire({ retry: { timeout: 1_000, delay: '1m' } })
      const done = waiting.then((granted) => {
        isGranted = granted
      })
      for (const payload of ['notified', '', 'x'.repeat(7_999), '\n', "'; drop table x; --"]) {
        await other.query('select pg_notify($1, $2)', [tableName, payload])
      }
      await done
      expect(isGranted).toBe(false)
      await held.extend()
      await locks.close()
    })
  })
}

test.runIf(isSelected('memory'))('a waiter costs a few kilobytes of memory, and no connection', async () => {
  const locks = new LockFactory(memoryStore())
  await locks.createLock('popular').acquire()
  const stop = new AbortController()
  const before = usedBytes()
  const waiting = Array.from({ length: 2_000 }, () =>
    locks
      .createLock('popular')
      .acquire({ signal: stop.signal })
      .catch(() => {}),
  )
  await new Promise((resolve) => setImmediate(resolve))
  const each = (usedBytes() - before) / waiting.length
  console.log(`a waiter: ${Math.round(each)} bytes`)
  expect(each).toBeLessThan(16_000)
  stop.abort()
  await Promise.all(waiting)
})

function usedBytes(): number {
  globalThis.gc?.()
  return process.memoryUsage().heapUsed
}
