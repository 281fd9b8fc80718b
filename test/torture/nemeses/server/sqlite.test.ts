import { mkdtempSync, readdirSync, rmSync, statSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { LockFactory } from '../../../../src/index.ts'
import { migrateToLatest } from '../../../../src/schema/migrations.ts'
import { openSqlite } from '../../../support/open-sqlite.ts'
import type { Opened } from '../../../support/opened.ts'
import type { FaultDetails, Scene } from '../../fault.ts'
import { Random } from '../../random.ts'
import { serverFaults } from './server-faults.ts'

const NEVER = new AbortController().signal

let folder: string
let path: string
let opened: Opened
let locks: LockFactory
let file: Database.Database
beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'verrou-nemeses-'))
  path = join(folder, 'locks.db')
  opened = openSqlite(path)
  await migrateToLatest(opened.db, { tableName: 'locks' })
  locks = new LockFactory(opened.store('locks'))
  await locks.createLock('held').acquire()
  // Asks once and does not wait.
  file = new Database(path, { timeout: 0 })
})
afterEach(async () => {
  file.close()
  await locks.close()
  await opened.close()
  rmSync(folder, { recursive: true })
})

function scene(of = path): Scene {
  const database = { family: 'sqlite', adminUrl: () => of, workerUrl: () => of }
  return { database, workers: [], proxies: [], tableName: 'locks' } as unknown as Scene
}

function inject(name: string, details: FaultDetails): Promise<void> {
  const kind = serverFaults('sqlite').find((one) => one.name === name)
  if (!kind) throw new Error(`no fault is named ${name}`)
  return kind.inject(details, scene(), NEVER)
}

const write = () => file.exec("update locks set token = token where key = 'held'")
const isBusy = () => vi.waitFor(() => expect(write).toThrow('locked'), { timeout: 3_000, interval: 5 })
const holderOfHeld = () => file.prepare<[], { held_by: string }>('select held_by from locks').get()?.held_by

describe("a stranger's transaction", () => {
  test.each([
    ['immediate', true],
    ['exclusive', false],
  ])('begin %s: nobody else writes, and nothing stays', async (begin, writes) => {
    const holder = holderOfHeld()
    const fault = inject("stranger's transaction", { begin, writes, end: 'rollback', forMs: 300 })
    await isBusy()
    await fault
    write()
    expect(holderOfHeld()).toBe(holder)
  })
})

test.each(['analyze', 'reindex'])('maintenance: %s', (command) => inject('maintenance', { command, forMs: 50 }))

test('maintenance: a vacuum makes the file smaller', async () => {
  file.exec('create table filler as select zeroblob(200000) as bytes; drop table filler')
  const pages = () => file.pragma('page_count', { simple: true }) as number
  const before = pages()
  await inject('maintenance', { command: 'vacuum', forMs: 50 })
  expect(pages()).toBeLessThan(before)
})

test('maintenance: a checkpoint empties the log', async () => {
  write()
  const logBytes = () => statSync(`${path}-wal`).size
  expect(logBytes()).toBeGreaterThan(0)
  await inject('maintenance', { command: 'pragma wal_checkpoint(truncate)', forMs: 50 })
  expect(logBytes()).toBe(0)
})

test.each(['backup', 'vacuum into'])('dump by %s: copies come to their end, and are removed', async (how) => {
  const copies = () => readdirSync(tmpdir()).filter((name) => name.startsWith('verrou-torture-copy-'))
  const before = copies()
  await inject('dump', { how, forMs: 200 })
  await vi.waitFor(() => expect(copies()).toEqual(before))
})

test('pruning at full speed: what is free goes, what is held stays, and tokens grow', async () => {
  const free = locks.createLock('free')
  const fault = inject('pruning at full speed', { retentionMs: 20, aheadMs: 0, forMs: 1_000 })
  const keys = () => file.prepare('select key from locks order by key').pluck().all()
  let lastToken = 0
  for (let turn = 0; turn < 3; turn++) {
    await free.acquire()
    expect(free.fencingToken).toBeGreaterThan(lastToken)
    lastToken = Number(free.fencingToken)
    await free.release()
    await vi.waitFor(() => expect(keys()).toEqual(['held']), 5_000)
  }
  await fault
})

test('pruning at full speed: tokens grow, though they are ahead of the clock', async () => {
  let isOver = false
  const fault = inject('pruning at full speed', { retentionMs: 50, aheadMs: 5_000, forMs: 800 }).finally(() => {
    isOver = true
  })
  const lock = locks.createLock('free')
  let lastToken = 0
  for (let turn = 0; !isOver; turn++) {
    await lock.acquire()
    expect(lock.fencingToken).toBeGreaterThan(lastToken)
    lastToken = Number(lock.fencingToken)
    await lock.release()
    // Now and then for longer than the retention.
    await sleep(turn % 12 === 11 ? 120 : 20)
  }
  await fault
  expect(lastToken / 1000).toBeGreaterThan(Date.now() + 3_000)
})

describe.each(serverFaults('sqlite'))('whatever happens, $name', (kind) => {
  const details = { ...kind.draw(new Random(7)), forMs: 20_000 }

  test('ends early, and leaves no lock', async () => {
    const early = new AbortController()
    const fault = kind.inject(details, scene(), early.signal)
    await sleep(300)
    early.abort()
    const startMs = performance.now()
    await fault
    expect(performance.now() - startMs).toBeLessThan(3_000)
    write()
  })

  test('says so where there is no file', async () => {
    await expect(kind.inject(details, scene(join(folder, 'nowhere.db')), NEVER)).rejects.toThrow('not injected')
  })
})
