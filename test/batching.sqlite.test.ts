import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { REPOSITORY } from '../scripts/repository.ts'
import { sqliteStore } from '../src/drivers/better-sqlite3.ts'
import { type LeaseHold, type LeaseRequest, LockFactory, type LockStore } from '../src/index.ts'
import { schemaStatements } from '../src/schema/create-migrations.ts'
import { allStatementsOf, mutated } from './mutation/mutated.ts'
import { isSelected } from './servers/selection.ts'
import { rejection } from './suite/rejection.ts'
import { requestFor, take } from './suite/taking.ts'

/** Calls that come at the same moment share a transaction: how many there are, and that each is answered as if it had been sent alone. */

const AT_ONCE_MS = 1_000
const tableName = 'verrou_locks'

/** What a statement was sent as. */
interface Sent {
  readonly sql: string
  /** `pragma synchronous` at that moment. */
  readonly synchronous: number
}

describe.runIf(isSelected('sqlite'))('sqlite', () => {
  let folder: string
  let path: string
  let backDoor: Database.Database
  const opened: Database.Database[] = []
  beforeEach(() => {
    folder = mkdtempSync(join(tmpdir(), 'verrou-batching-'))
    path = join(folder, 'locks.db')
    backDoor = openFile()
    backDoor.pragma('journal_mode = wal')
    for (const sql of schemaStatements('sqlite', { tableName })) backDoor.exec(sql)
  })
  afterEach(() => {
    for (const database of opened.splice(0)) database.close()
    rmSync(folder, { recursive: true })
  })

  const openFile = (): Database.Database => {
    const database = new Database(path)
    opened.push(database)
    return database
  }
  /** A store on a connection of its own, and what it sends. */
  const storeOf = (options: { batch?: boolean; before?: (sql: string) => void } = {}) => {
    const database = openFile()
    const broken = mutated('sqlite', tableName)
    const sent: Sent[] = []
    const prepare = (sql: string) => {
      const statement = database.prepare(broken(sql))
      const told = () => {
        options.before?.(sql.trim())
        if (!/^pragma|is_old/.test(sql)) {
          sent.push({ sql: sql.trim(), synchronous: Number(database.pragma('synchronous', { simple: true })) })
        }
      }
      return {
        reader: statement.reader,
        readonly: statement.readonly,
        all(...values: unknown[]) {
          told()
          return statement.all(...values)
        },
        run(...values: unknown[]) {
          told()
          return statement.run(...values)
        },
      }
    }
    const watched = {
      prepare,
      get inTransaction() {
        return database.inTransaction
      },
    }
    return { store: sqliteStore({ database: watched, batch: options.batch }), database, sent }
  }
  const takeAll = (store: LockStore, requests: readonly LeaseRequest[]): Promise<LeaseHold[]> =>
    Promise.all(requests.map((request) => take(store, request)))
  const keysOf = (count: number, prefix = 'k') => Array.from({ length: count }, (_, n) => `${prefix}${n}`)
  const requestsFor = (keys: readonly string[]) => keys.map((key) => requestFor(key))
  const transactionsIn = (sent: readonly Sent[]) => sent.filter(({ sql }) => /^begin/.test(sql)).map(({ sql }) => sql)
  const ownersOf = () => backDoor.prepare(`select owner from ${tableName} order by key`).pluck().all()

  test('100 tries are one look and one transaction, and 100 releases are one', async () => {
    const { store, sent } = storeOf()
    await store.inspect('first')
    const holds = await takeAll(store, requestsFor(keysOf(100)))
    expect(transactionsIn(sent)).toEqual(['begin', 'begin immediate'])
    expect(new Set(holds.map(({ token }) => token)).size).toBeGreaterThan(0)
    sent.length = 0
    expect(await Promise.all(holds.map((hold) => store.release(hold)))).toEqual(holds.map(() => true))
    expect(transactionsIn(sent)).toEqual(['begin immediate'])
    expect(ownersOf()).toEqual(holds.map(() => null))
    const again = await takeAll(store, requestsFor(keysOf(100)))
    for (const [n, { token }] of again.entries()) expect(token).toBeGreaterThan(holds[n]?.token as number)
  })

  test('tries and releases go in the same transaction', async () => {
    const { store, sent } = storeOf()
    const holds = await takeAll(store, requestsFor(keysOf(10, 'old')))
    sent.length = 0
    const [taken, released] = await Promise.all([
      takeAll(store, requestsFor(keysOf(10, 'new'))),
      Promise.all(holds.map((hold) => store.release(hold))),
    ])
    expect(transactionsIn(sent)).toEqual(['begin', 'begin immediate'])
    expect(taken).toHaveLength(10)
    expect(released).not.toContain(false)
  })

  test('with `batch: false` each is a transaction of its own', async () => {
    const { store, sent } = storeOf({ batch: false })
    await takeAll(store, requestsFor(keysOf(10)))
    expect(transactionsIn(sent)).toEqual([])
    expect(sent.filter(({ sql }) => sql.startsWith('insert'))).toHaveLength(10)
  })

  test('each is answered by itself: free, new, held, expired, and its own already', async () => {
    const { store: others } = storeOf()
    const [, held, forever, expired] = await takeAll(others, [
      requestFor('free'),
      requestFor('held', { ttlUs: 60_000_000 }),
      requestFor('forever', { ttlUs: null }),
      requestFor('expired', { ttlUs: 60_000_000 }),
    ])
    await others.forceRelease('free')
    const ownRequest = requestFor('own')
    const own = await take(others, ownRequest)
    backDoor.exec(`update ${tableName} set expires_at = acquired_at where key = 'expired'`)
    const { store } = storeOf()
    const asked = [...requestsFor(['free', 'new', 'held', 'forever', 'expired']), ownRequest]
    const outcomes = await Promise.all(asked.map((request) => store.tryAcquire(request)))
    const fresh = { granted: true, token: expect.any(Number), grantedAtUs: expect.any(Number) }
    expect(outcomes).toEqual([
      fresh,
      fresh,
      { granted: false, freeInUs: expect.any(Number) },
      { granted: false, freeInUs: null },
      fresh,
      { ...fresh, token: own.token },
    ])
    expect((outcomes[4] as { token: number }).token).toBeGreaterThan(expired?.token as number)
    const releases = [held, forever, expired].map((hold) => store.release(hold as LeaseHold))
    expect(await Promise.all(releases)).toEqual([true, true, false])
  })

  test('of several calls for one key at the same moment the first is granted; a release before a try frees the key', async () => {
    const { store } = storeOf()
    const asked = keysOf(5).flatMap((key) => requestsFor([key, key, key]))
    const outcomes = await Promise.all(asked.map((request) => store.tryAcquire(request)))
    expect(outcomes.map(({ granted }) => granted)).toEqual(keysOf(5).flatMap(() => [true, false, false]))
    const hold = await take(store, requestFor('freed'))
    const [released, next] = await Promise.all([store.release(hold), store.tryAcquire(requestFor('freed'))])
    expect([released, next.granted]).toEqual([true, true])
  })

  test('a release names key, owner and token', async () => {
    const { store } = storeOf()
    const [right, stale, foreign] = (await takeAll(store, requestsFor(keysOf(3)))) as [LeaseHold, LeaseHold, LeaseHold]
    const asked = [right, { ...stale, token: stale.token - 1 }, { ...foreign, owner: 'somebody' }]
    expect(await Promise.all(asked.map((hold) => store.release(hold)))).toEqual([true, false, false])
    expect(ownersOf()).toEqual([null, stale.owner, foreign.owner])
  })

  test.each(['abort', 'fail', 'rollback'])(
    'one that a trigger refuses with `%s` does not fail the others',
    async (how) => {
      backDoor.exec(
        `create trigger refusing before insert on ${tableName} when new.held_by = 'refused' begin select raise(${how}, 'no'); end`,
      )
      const { store, database } = storeOf()
      const asked = keysOf(5).map((key, n) => requestFor(key, n === 2 ? { heldBy: 'refused' } : {}))
      const outcomes = await Promise.allSettled(asked.map((request) => store.tryAcquire(request)))
      expect(outcomes.map(({ status }) => status)).toEqual(asked.map((_, n) => (n === 2 ? 'rejected' : 'fulfilled')))
      expect(outcomes[2]).toMatchObject({ reason: { kind: 'failed' } })
      expect(outcomes.filter((one) => one.status === 'fulfilled' && one.value.granted)).toHaveLength(4)
      expect(database.inTransaction).toBe(false)
    },
  )

  test('one whose answer nobody understands does not fail the others, and takes nothing', async () => {
    const { store } = storeOf()
    const holds = await takeAll(store, requestsFor(keysOf(3)))
    await Promise.all(holds.map((hold) => store.release(hold)))
    backDoor.exec(`update ${tableName} set token = 9007199254740993 where key = 'k1'`)
    const outcomes = await Promise.allSettled(keysOf(3).map((key) => store.tryAcquire(requestFor(key))))
    expect(outcomes).toMatchObject([
      { value: { granted: true } },
      { reason: expect.any(TypeError) },
      { value: { granted: true } },
    ])
    expect(ownersOf()).toEqual([expect.any(String), null, expect.any(String)])
  })

  test('refused tries take no write lock: they are answered while another process writes', async () => {
    const { store } = storeOf()
    await takeAll(store, requestsFor(keysOf(50)))
    const writer = openFile()
    writer.exec('begin immediate')
    const outcomes = await Promise.all(keysOf(50).map((key) => store.tryAcquire(requestFor(key))))
    writer.exec('rollback')
    expect(outcomes.filter(({ granted }) => granted)).toEqual([])
  })

  test.each([1, 20])('of %i tries, one whose key another process takes after the look is refused', async (count) => {
    let isTaken = false
    const { store } = storeOf({
      before(sql) {
        if (isTaken || !(sql === 'begin immediate' || sql.startsWith('insert'))) return
        isTaken = true
        backDoor.exec(
          `insert into ${tableName} (key, owner, attempt, token, expires_at, acquired_at) values ('k0', 'o', 'a', 5, 9000000000000000, 5)`,
        )
      },
    })
    const outcomes = await Promise.all(keysOf(count).map((key) => store.tryAcquire(requestFor(key))))
    expect(isTaken).toBe(true)
    expect(outcomes[0]).toMatchObject({ granted: false, isUncertain: true })
    expect(outcomes.filter(({ granted }) => granted)).toHaveLength(count - 1)
  })

  test('while another process writes, callers wait without blocking the event loop, and are granted after that', async () => {
    const { store, database } = storeOf()
    database.pragma('busy_timeout = 4321')
    const locks = new LockFactory(store)
    const writer = openFile()
    writer.exec('begin immediate')
    let longestMs = 0
    let lastMs = performance.now()
    const ticking = setInterval(() => {
      longestMs = Math.max(longestMs, performance.now() - lastMs)
      lastMs = performance.now()
    }, 5)
    setTimeout(() => writer.exec('rollback'), 300)
    const startMs = performance.now()
    const granted = await Promise.all(keysOf(100).map((key) => locks.createLock(key).acquire()))
    clearInterval(ticking)
    expect(granted).not.toContain(false)
    expect(performance.now() - startMs).toBeGreaterThan(250)
    // The driver's own waiting would be that of busy_timeout.
    expect(longestMs).toBeLessThan(1_500)
    expect(database.pragma('busy_timeout', { simple: true })).toBe(4321)
    expect(database.inTransaction).toBe(false)
  })

  test('a commit that meets a reader, where there is no write-ahead log, leaves nothing behind, and is done later', async () => {
    backDoor.pragma('journal_mode = delete')
    const { store, database, sent } = storeOf()
    await store.release(await take(store, requestFor('k0')))
    const reader = openFile()
    reader.exec('begin')
    reader.prepare(`select * from ${tableName}`).all()
    sent.length = 0
    const outcomes = await Promise.allSettled(keysOf(5).map((key) => store.tryAcquire(requestFor(key))))
    for (const outcome of outcomes) expect(outcome).toMatchObject({ reason: { kind: 'transient' } })
    expect(sent.map(({ sql }) => sql)).toContain('rollback')
    expect(database.inTransaction).toBe(false)
    reader.exec('commit')
    expect(ownersOf()).toEqual([null])
    await takeAll(store, requestsFor(keysOf(5)))
  })

  test("inside a transaction of the caller's nothing is sent: E_SINGLE_CONNECTION", async () => {
    const { store, database, sent } = storeOf()
    await store.inspect('k')
    const locks = new LockFactory(store)
    database.exec('begin')
    sent.length = 0
    await Promise.all(keysOf(5).map((key) => rejection(locks.createLock(key).acquire(), 'E_SINGLE_CONNECTION')))
    expect(sent).toEqual([])
    database.exec('commit')
    expect(await Promise.all(keysOf(5).map((key) => locks.createLock(key).acquire()))).not.toContain(false)
  })

  test('of the statements only a release may be forgotten', () => {
    const statements = allStatementsOf('sqlite', { tableName, schema: undefined })
    expect(statements.filter(({ mayBeForgotten }) => mayBeForgotten).map(({ name }) => name)).toEqual(['release'])
  })

  test('the table is created once, by the first of many', async () => {
    const database = new Database(join(folder, 'empty.db'))
    opened.push(database)
    const locks = new LockFactory(sqliteStore({ database, autoCreateTable: true }))
    expect(await Promise.all(keysOf(20).map((key) => locks.createLock(key).acquire()))).not.toContain(false)
  })

  test.each([1, 50])('%i callers that never pause leave the event loop its turns', async (callers) => {
    const locks = new LockFactory(storeOf().store)
    let isOver = false
    let pairs = 0
    const calling = keysOf(callers).map(async (key) => {
      while (!isOver && pairs < 100_000) {
        await locks.createLock(key).run(() => 1)
        pairs++
      }
    })
    const startMs = performance.now()
    await new Promise((resolve) => setTimeout(resolve, 50))
    expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS)
    isOver = true
    await Promise.all(calling)
    expect(pairs).toBeGreaterThan(0)
  })

  test.each([1, 20])(
    'in a write-ahead log %i releases do not wait for the disk; tries do, and take them along',
    async (count) => {
      const { store, database, sent } = storeOf()
      database.pragma('synchronous = full')
      const holds = await takeAll(store, requestsFor(keysOf(count)))
      const writes = sent.filter(({ sql }) => /^(insert|commit)/.test(sql))
      expect(new Set(writes.map(({ synchronous }) => synchronous))).toEqual(new Set([2]))
      sent.length = 0
      await Promise.all(holds.map((hold) => store.release(hold)))
      expect(sent.length).toBeGreaterThan(0)
      expect(new Set(sent.map(({ synchronous }) => synchronous))).toEqual(new Set([1]))
      expect(database.pragma('synchronous', { simple: true })).toBe(2)
      const [hold] = await takeAll(store, requestsFor(keysOf(1)))
      sent.length = 0
      await Promise.all([take(store, requestFor('other')), store.release(hold as LeaseHold)])
      expect(new Set(sent.map(({ synchronous }) => synchronous))).toEqual(new Set([2]))
    },
  )

  test.each([
    ['elsewhere', 'delete', 'full', 2],
    ['and who waits for no disk', 'wal', 'off', 0],
  ])('%s nothing is changed', async (_, journal, synchronous, expected) => {
    backDoor.pragma(`journal_mode = ${journal}`)
    const { store, database, sent } = storeOf()
    database.pragma(`synchronous = ${synchronous}`)
    const hold = await take(store, requestFor('k'))
    expect(await store.release(hold)).toBe(true)
    expect(new Set(sent.map((one) => one.synchronous))).toEqual(new Set([expected]))
  })

  test('of a process that dies in the middle of a transaction nothing is there', async () => {
    const script = `
      const { default: Database } = await import('better-sqlite3')
      const { sqliteStore } = await import(${JSON.stringify(join(REPOSITORY, 'src/drivers/better-sqlite3.ts'))})
      const { LockFactory } = await import(${JSON.stringify(join(REPOSITORY, 'src/index.ts'))})
      const database = new Database(${JSON.stringify(path)})
      database.function('die', { directOnly: false }, () => process.kill(process.pid, 'SIGKILL'))
      database.exec("create temp trigger dying after insert on main.${tableName} when new.key = 'k50' begin select die(); end")
      const locks = new LockFactory(sqliteStore({ database }))
      await locks.createLock('before').acquire()
      await Promise.all(Array.from({ length: 100 }, (_, n) => locks.createLock('k' + n).acquire()))
    `
    const ended = await new Promise<string | null>((resolve) => {
      const child = execFile(process.execPath, ['--input-type=module', '-e', script], { cwd: REPOSITORY })
      child.on('exit', (_code, signal) => resolve(signal))
    })
    expect(ended).toBe('SIGKILL')
    expect(backDoor.prepare(`select key from ${tableName}`).pluck().all()).toEqual(['before'])
    await takeAll(storeOf().store, requestsFor(keysOf(100)))
  })
})
