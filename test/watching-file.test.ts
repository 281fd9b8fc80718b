import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import Database from 'better-sqlite3'
import { Kysely, SqliteDialect } from 'kysely'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { sqliteStore } from '../src/drivers/better-sqlite3.ts'
import { singleConnectionExecutor } from '../src/executors/kysely-single-connection.ts'
import type { Answer } from '../src/statement.ts'
import { WatchingFile } from '../src/store/watching-file.ts'
import { runChild } from './support/child.ts'
import { FakeClock } from './support/fake-clock.ts'

const LONGEST_PAUSE_MS = 25

/** A file of which the test says what its number is; it may also be unreadable, or slow. */
function scriptedFile() {
  const file = { version: 1 as number | Error | Promise<number>, looks: 0, atOnce: 0, mostAtOnce: 0 }
  const executor = {
    async execute(): Promise<Answer> {
      file.looks++
      file.mostAtOnce = Math.max(file.mostAtOnce, ++file.atOnce)
      try {
        const version = await file.version
        if (version instanceof Error) throw version
        return { rows: [{ data_version: version }], affectedRows: 1, insertId: 0 }
      } finally {
        file.atOnce--
      }
    },
  }
  const clock = new FakeClock()
  return { file, clock, source: new WatchingFile(executor, clock) }
}

/** How often it was woken. */
function countingWake() {
  const wake = () => {
    wake.count++
  }
  wake.count = 0
  return wake
}

describe('a file that is watched, by the clock of the test', () => {
  test('is not looked at while nobody has subscribed', async () => {
    const { file, clock, source } = scriptedFile()
    expect(source.isHearing).toBe(false)
    const end = source.subscribe('a', () => {})
    await clock.pass(10)
    end()
    end()
    const { looks } = file
    expect(looks).toBeGreaterThan(0)
    expect(clock.pending).toBe(0)
    await clock.pass(1_000)
    expect(file.looks).toBe(looks)
    expect(source.isHearing).toBe(false)
  })

  test('wakes everybody once when hearing begins, never from within subscribe, and then only when the number changes', async () => {
    const { file, clock, source } = scriptedFile()
    const [a, b] = [countingWake(), countingWake()]
    source.subscribe('a', a)
    source.subscribe('b', b)
    expect([a.count, b.count, source.isHearing]).toEqual([0, 0, false])
    await clock.pass(3)
    expect([a.count, b.count, source.isHearing]).toEqual([1, 1, true])
    await clock.pass(1_000)
    expect([a.count, b.count]).toEqual([1, 1])
    file.version = 2
    await clock.pass(LONGEST_PAUSE_MS)
    expect([a.count, b.count]).toEqual([2, 2])
    await clock.pass(1_000)
    expect([a.count, b.count]).toEqual([2, 2])
  })

  test('wakes the next one who subscribes after a time without anybody, even if the number is the same', async () => {
    const { clock, source } = scriptedFile()
    source.subscribe('a', () => {})()
    await clock.pass(100)
    const first = countingWake()
    const end = source.subscribe('a', first)
    await clock.pass(100)
    end()
    const second = countingWake()
    source.subscribe('a', second)
    await clock.pass(100)
    expect([first.count, second.count]).toEqual([1, 1])
  })

  test('does not wake who has ended its subscription, also from within another wake-up', async () => {
    const { clock, source } = scriptedFile()
    const second = countingWake()
    source.subscribe('a', () => endSecond())
    const endSecond = source.subscribe('b', second)
    await clock.pass(100)
    expect(second.count).toBe(0)
  })

  test('is looked at often at first, ever less often while nothing happens, and often again after a change or a new subscriber', async () => {
    const { file, clock, source } = scriptedFile()
    const looksIn = async (ms: number) => {
      const before = file.looks
      await clock.pass(ms)
      return file.looks - before
    }
    source.subscribe('a', () => {})
    expect(await looksIn(20)).toBeGreaterThanOrEqual(6)
    await clock.pass(1_000)
    expect(await looksIn(1_000)).toBe(1_000 / LONGEST_PAUSE_MS)
    file.version = 2
    await clock.pass(LONGEST_PAUSE_MS)
    expect(await looksIn(20)).toBeGreaterThanOrEqual(6)
    await clock.pass(1_000)
    source.subscribe('b', () => {})
    expect(await looksIn(20)).toBeGreaterThanOrEqual(6)
  })

  test('is looked at no less often because of many new subscribers', async () => {
    const { file, clock, source } = scriptedFile()
    for (let ms = 0; ms < 50; ms++) {
      source.subscribe('a', () => {})
      await clock.pass(1)
    }
    expect(file.looks).toBeGreaterThanOrEqual(5)
  })

  test('that others write to all the time costs a bounded number of wake-ups', async () => {
    const { file, clock, source } = scriptedFile()
    const wake = countingWake()
    for (let n = 0; n < 100; n++) source.subscribe(`key ${n}`, wake)
    for (let ms = 0; ms < 1_000; ms++) {
      file.version = ms + 10
      await clock.pass(1)
    }
    expect(wake.count).toBeGreaterThan(1_000)
    expect(wake.count).toBeLessThanOrEqual(2_100)
  })

  test('that cannot be read is looked at again, and what changed meanwhile is seen', async () => {
    const { file, clock, source } = scriptedFile()
    const wake = countingWake()
    source.subscribe('a', wake)
    await clock.pass(100)
    file.version = new Error('SQLITE_BUSY')
    await clock.pass(100)
    // For a moment: that is no news.
    expect(source.isHearing).toBe(true)
    await clock.pass(400)
    expect([wake.count, source.isHearing]).toEqual([1, false])
    file.version = 2
    await clock.pass(LONGEST_PAUSE_MS)
    expect([wake.count, source.isHearing]).toEqual([2, true])
  })

  test('is never looked at twice at the same time, and nobody counts as hearing while a look hangs', async () => {
    const { file, clock, source } = scriptedFile()
    const { promise, resolve } = Promise.withResolvers<number>()
    source.subscribe('a', () => {})
    await clock.pass(100)
    file.version = promise
    const wake = countingWake()
    const end = source.subscribe('b', wake)
    await clock.pass(500)
    end()
    source.subscribe('b', wake)
    await clock.pass(500)
    expect([file.mostAtOnce, source.isHearing]).toEqual([1, false])
    file.version = 2
    resolve(2)
    await clock.pass(LONGEST_PAUSE_MS)
    expect([wake.count, source.isHearing]).toEqual([1, true])
    expect(file.mostAtOnce).toBe(1)
  })

  test('what a look finds after the last one has left is not taken for seen', async () => {
    const { file, clock, source } = scriptedFile()
    const { promise, resolve } = Promise.withResolvers<number>()
    file.version = promise
    const end = source.subscribe('a', () => {})
    await clock.pass(10)
    end()
    file.version = 1
    resolve(1)
    await clock.pass(10)
    expect(source.isHearing).toBe(false)
    const wake = countingWake()
    source.subscribe('a', wake)
    await clock.pass(10)
    expect(wake.count).toBe(1)
  })

  test('closing waits for the look that is under way, and leaves nothing', async () => {
    const { file, clock, source } = scriptedFile()
    const { promise, resolve } = Promise.withResolvers<number>()
    file.version = promise
    const end = source.subscribe('a', () => expect.fail('woken after the end'))
    await clock.pass(10)
    end()
    let isClosed = false
    const closed = source.close().then(() => {
      isClosed = true
    })
    await clock.pass(10)
    expect(isClosed).toBe(false)
    resolve(1)
    await closed
    expect(clock.pending).toBe(0)
  })
})

describe('a file that is watched, for real', () => {
  const folder = mkdtempSync(join(tmpdir(), 'verrou-watching-'))
  const path = join(folder, 'app.db')
  const opened: Database.Database[] = []
  const open = (file = path) => {
    const database = new Database(file)
    opened.push(database)
    return database
  }
  let writer: Database.Database
  beforeAll(() => {
    writer = open()
    writer.pragma('journal_mode = wal')
    writer.exec('create table other (n integer)')
  })
  afterAll(() => {
    for (const database of opened) database.close()
    rmSync(folder, { recursive: true, force: true })
  })
  const commit = () => writer.exec('insert into other values (1)')

  test('a commit of another process is heard within milliseconds', async () => {
    const program = fileURLToPath(new URL('support/watching-worker.ts', import.meta.url))
    const child = spawn(process.execPath, [program, path, 'hear'], { stdio: ['pipe', 'pipe', 'inherit'] })
    try {
      const lines = createInterface({ input: child.stdout })[Symbol.asyncIterator]()
      expect((await lines.next()).value).toBe('hearing')
      const latenciesMs: number[] = []
      for (let round = 0; round < 20; round++) {
        const atNs = process.hrtime.bigint()
        commit()
        const [word, heardAtNs] = String((await lines.next()).value).split(' ')
        expect(word).toBe('woken')
        latenciesMs.push(Number(BigInt(heardAtNs ?? 0) - atNs) / 1e6)
      }
      // Pauses of 2 ms, on a machine that does other things at the same time.
      expect(latenciesMs.sort((a, b) => a - b)[10]).toBeLessThan(15)
    } finally {
      child.stdin.end()
      child.kill()
      await once(child, 'close')
    }
  })

  test('a process with a subscription and nothing else to do ends by itself', async () => {
    const { code, output } = await runChild('watching-worker.ts', [path, 'idle'])
    expect({ code, output }).toEqual({ code: 0, output: 'nothing else to do\n' })
  })

  test('our own commits are no news', async () => {
    const database = open()
    const wake = countingWake()
    const end = sqliteStore({ database }).wakeSource?.subscribe('a', wake)
    await expect.poll(() => wake.count).toBe(1)
    database.exec('insert into other values (2)')
    await sleep(100)
    expect(wake.count).toBe(1)
    commit()
    await expect.poll(() => wake.count).toBe(2)
    end?.()
  })

  test('an open transaction on the connection, and its end, do no harm', async () => {
    const database = open()
    const wake = countingWake()
    const { wakeSource } = sqliteStore({ database })
    const end = wakeSource?.subscribe('a', wake)
    await expect.poll(() => wake.count).toBe(1)
    database.exec('begin')
    commit()
    await sleep(400)
    expect([wake.count, wakeSource?.isHearing]).toEqual([1, false])
    database.exec('commit')
    await expect.poll(() => wake.count).toBe(2)
    expect(wakeSource?.isHearing).toBe(true)
    end?.()
  })

  test('a database that is closed while somebody has subscribed does no harm', async () => {
    const database = new Database(path)
    const { wakeSource } = sqliteStore({ database })
    const end = wakeSource?.subscribe('a', () => {})
    await expect.poll(() => wakeSource?.isHearing).toBe(true)
    database.close()
    await expect.poll(() => wakeSource?.isHearing).toBe(false)
    end?.()
  })

  test('it works on the one connection of a Kysely instance', async () => {
    const db = new Kysely<unknown>({ dialect: new SqliteDialect({ database: open() }) })
    const wake = countingWake()
    const end = new WatchingFile(singleConnectionExecutor(db)).subscribe('a', wake)
    await expect.poll(() => wake.count).toBe(1)
    commit()
    await expect.poll(() => wake.count).toBe(2)
    end()
  })

  test('it works with a rollback journal, while a writer keeps readers out', async () => {
    const file = join(folder, 'rollback.db')
    const other = open(file)
    other.exec('create table other (n integer)')
    const database = open(file)
    const wake = countingWake()
    const end = sqliteStore({ database }).wakeSource?.subscribe('a', wake)
    await expect.poll(() => wake.count).toBe(1)
    other.exec('begin exclusive; insert into other values (1)')
    await sleep(50)
    expect(wake.count).toBe(1)
    other.exec('commit')
    await expect.poll(() => wake.count).toBe(2)
    expect(database.pragma('busy_timeout', { simple: true })).toBe(5_000)
    end?.()
  })

  test('a database in memory is nobody else’s: there is nothing to hear', () => {
    expect(sqliteStore({ database: open(':memory:') }).wakeSource).toBeUndefined()
  })
})
