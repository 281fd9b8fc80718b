import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import type { LockFactory } from '../../src/index.ts'
import { CLI_DATABASES, type CliDatabase, runVerrouHere } from '../support/cli.ts'
import { locksAt } from '../support/locks-at.ts'

/** What a terminal would obey: red, a new line, and right-to-left. */
const NASTY = 'in\u001b[31mvoice\n\u202e42'

describe.each(CLI_DATABASES)('on $name', ({ create }) => {
  let database: CliDatabase
  let locks: LockFactory
  let close: () => Promise<void>
  const verrou = (...args: string[]) => runVerrouHere([...args, '--url', database.url])

  beforeAll(async () => {
    database = await create()
    expect(await verrou('migrate')).toMatchObject({ code: 0 })
    ;({ locks, close } = await locksAt(database.url))
    await locks.createLock('free').acquire()
    await locks.createLock('free').forceRelease()
    await locks.createLock('report:1', null).acquire()
    await locks.createLock(NASTY, '1h').acquire()
    await locks.runOncePer('once', '1h', () => {})
  })
  afterAll(async () => {
    await close?.()
    await database?.drop()
  })

  test('ls shows who holds what; what is not safe for a terminal is written out', async () => {
    const { stdout, stderr } = await verrou('ls')
    const [head, ...lines] = stdout.trimEnd().split('\n')
    expect({ head, stderr }).toEqual({
      head: expect.stringMatching(/^KEY +HOLDER +HELD FOR +LEFT +TOKEN +RENEWALS +WAITING$/),
      stderr: '',
    })
    // Another test takes one more.
    expect(lines.filter((line) => !line.startsWith('taken'))).toEqual([
      expect.stringMatching(/^in\\u001b\[31mvoice\\n\\u202e42 +\S+:\d+ +\d+\w+ +(1h|60m|59m) +\d{16} +0 +no$/),
      expect.stringMatching(/^once +/),
      expect.stringMatching(/^report:1 +\S+:\d+ +\d+\w+ +for ever +\d{16} +0 +no$/),
    ])
  })

  test('ls --json has a lock a line, and pages through all of them', async () => {
    const { stdout } = await verrou('ls', '--json', '--all')
    const listed = stdout
      .trimEnd()
      .split('\n')
      .map((line) => JSON.parse(line))
    const { locks: expected } = await locks.list({ state: 'all' })
    expect(listed.map(({ key, token, isHeld, acquiredAt }) => ({ key, token, isHeld, acquiredAt }))).toEqual(
      expected.map(({ key, token, isHeld, acquiredAt }) => ({
        key,
        token,
        isHeld,
        acquiredAt: acquiredAt?.toJSON() ?? null,
      })),
    )
    const { stdout: one, stderr } = await verrou('ls', 'report:', '--limit', '1')
    expect({ lines: one.trimEnd().split('\n').length, stderr }).toEqual({ lines: 2, stderr: '' })
    expect((await verrou('ls', '--limit', '2')).stderr).toMatch(/^verrou: there are more: .*\n$/)
  })

  test('inspect shows one key, and its last run', async () => {
    const { stdout } = await verrou('inspect', NASTY)
    expect(stdout).toMatch(/^KEY +in\\u001b\[31mvoice\\n\\u202e42\nstate +held\nhost +\S+\npid +\d+\nsince /)
    const { stdout: once } = await verrou('inspect', 'once')
    expect(once).toMatch(/\nstate +was run in this period\n[\s\S]*\nlast run +\d{4}-\S+, took \d+m?s, went well\n/)
    const known = JSON.parse((await verrou('inspect', 'report:1', '--json')).stdout)
    expect(known).toMatchObject({
      key: 'report:1',
      isHeld: true,
      remainingMs: null,
      pid: process.pid,
      label: null,
      lastRun: null,
    })
    expect((await verrou('inspect', 'free')).stdout).toMatch(/\nstate +free\n/)
  })

  test('release --force says who was evicted, and the old hold is worth nothing', async () => {
    const lock = locks.createLock('taken', '1m')
    await lock.acquire()
    const { code, stdout } = await verrou('release', 'taken', '--force', '--yes')
    expect({ code, stdout }).toEqual({
      code: 0,
      stdout: expect.stringMatching(
        new RegExp(
          `^released taken: evicted \\S+:${process.pid}, who has held it for \\S+ \\(token ${lock.fencingToken}\\)\n$`,
        ),
      ),
    })
    await expect(lock.extend()).rejects.toMatchObject({ code: 'E_LOCK_LOST' })
    expect(await verrou('release', 'taken', '--force')).toMatchObject({ code: 0, stdout: 'taken was free already\n' })
  })

  test('prune tells how many', async () => {
    expect(JSON.parse((await verrou('prune', '--json')).stdout)).toEqual({ removed: 0 })
    expect((await verrou('prune')).stdout).toMatch(/^removed 0 rows that had been free for 1h from \S+\n$/)
  })

  test('migrate goes up and down, tells what is applied, and prints what it does', async () => {
    const table = ['--table', 'of_its_own']
    expect((await verrou('migrate', 'status', ...table)).stdout).toMatch(/\n0001_verrou_locks +pending\n/)
    const { migrations } = JSON.parse((await verrou('migrate', 'up', '--json', ...table)).stdout)
    expect(migrations[0]).toBe('0001_verrou_locks')
    expect((await verrou('migrate', ...table)).stdout).toMatch(/^up to date: /)
    expect((await verrou('migrate', 'down', '--yes', ...table)).stdout).toMatch(
      new RegExp(`^undid ${migrations.at(-1)} on `),
    )
    const { migrations: states } = JSON.parse((await verrou('migrate', 'status', '--json', ...table)).stdout)
    expect(states.map(({ appliedAt }: { appliedAt: string | null }) => appliedAt !== null)).toEqual(
      migrations.map((_name: string, index: number) => index < migrations.length - 1),
    )
    expect((await verrou('migrate', '--print', '--dialect', database.family, ...table)).stdout).toMatch(
      /^create table if not exists .of_its_own. \(/,
    )
  })
})
