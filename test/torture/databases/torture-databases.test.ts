import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { chmodSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { type DatabaseName, isSelected } from '../../servers/selection.ts'
import { openExamined } from '../../support/doctor/examined.ts'
import { optionalServer } from '../../support/optional-server.ts'
import type { FaultKind, Scene } from '../fault.ts'
import { Random } from '../random.ts'
import { Ledger } from './ledger.ts'
import type { TortureDatabase } from './torture-database.ts'
import { TORTURE_DATABASES, type TortureDatabaseName } from './torture-databases.ts'

/** Clusters run when their family does. The slowest come first, as all of them start at the same time. */
const SELECTED_BY: Record<TortureDatabaseName, DatabaseName> = {
  'group-replication': 'mysql',
  galera: 'mariadb',
  mysql: 'mysql',
  mariadb: 'mariadb',
  'postgres-sync': 'postgres-18',
  'postgres-async': 'postgres-18',
  'pgbouncer-transaction': 'postgres-18',
  'pgbouncer-session': 'postgres-18',
  postgres: 'postgres-18',
  'postgres-14': 'postgres-14',
  sqlite: 'sqlite',
}
const NAMES = (Object.keys(SELECTED_BY) as TortureDatabaseName[]).filter((name) => isSelected(SELECTED_BY[name]))

/** A client does not notice: commits wait for nobody, or for those who are left. */
const UNNOTICED = ['postgres-async: standby crash and restart', 'postgres-async: replication stall']

/** What `verrou doctor` says of those that are more than one server. */
const DIAGNOSES: Partial<Record<TortureDatabaseName, RegExp>> = {
  'postgres-sync': /^ok: 1 connected, synchronous: standby$/,
  'postgres-async': /^note: 1 connected, none of them synchronous$/,
  galera: /^note: Galera, 3 nodes$/,
  'group-replication': /^ok: Group Replication, primary, consistency BEFORE/,
}

/** MySQL takes a quarter of a minute to take a member back; its failover, which is tried, does that too. */
const TOO_SLOW = ['group-replication: primary crash', 'group-replication: secondary crash and rejoin']

const FAULT_MS = 2_500
const TIMEOUT_MS = 100_000

const earlierTmpdir = process.env.TMPDIR
let folder: string

beforeAll(() => {
  folder = mkdtempSync(join(tmpdir(), 'verrou-test-torture-'))
  // As the usual one: servers run as another user, which also removes what is its own.
  chmodSync(folder, 0o1777)
  process.env.TMPDIR = folder
})
afterAll(() => {
  if (earlierTmpdir === undefined) delete process.env.TMPDIR
  else process.env.TMPDIR = earlierTmpdir
  rmSync(folder, { recursive: true })
})

describe('every database', () => {
  test.concurrent.for(NAMES)(
    '%s comes back after each of its faults',
    { timeout: TIMEOUT_MS },
    async (name, context) => {
      const database = await start(name)
      if (!database) return context.skip()
      try {
        const ledger = new Ledger(database)
        await ledger.create()
        await ledger.writeAll()
        expect(await diagnosisOf(database)).toMatch(DIAGNOSES[name] ?? /^ok: |^$/)
        for (const fault of database.faults) {
          const title = `${name}: ${fault.name}`
          if (TOO_SLOW.includes(title)) continue
          const { isNoticed } = await ledger.watch(() => inject(fault, database))
          expect([title, isNoticed]).toEqual([title, !UNNOTICED.includes(title)])
          await ledger.writeAll()
        }
        expect(await ledger.lost()).toEqual([])
        if (database.turningPoint) await turn(database, database.turningPoint, ledger)
        await database.heal()
        await ledger.writeAll()
      } finally {
        await database.stop()
      }
    },
  )

  afterAll(() => {
    expect([readdirSync(folder), processesOf(folder)]).toEqual([[], []])
  })
})

test.runIf(isSelected('postgres-18') && isSelected('mariadb'))(
  'nothing is left of them when the torture is killed',
  { timeout: TIMEOUT_MS },
  async (context) => {
    const torture = startTorture('sqlite', 'postgres-sync', 'mariadb')
    const [firstWord] = await Promise.race([once(torture.stdout, 'data'), once(torture, 'exit').then(() => [''])])
    if (!String(firstWord).startsWith('started')) return context.skip()
    expect(readdirSync(folder).length).toBeGreaterThanOrEqual(4)
    torture.kill('SIGKILL')
    await vi.waitFor(() => expect([readdirSync(folder), processesOf(folder)]).toEqual([[], []]), 10_000)
  },
)

/** It goes on elsewhere, with all that was acknowledged; where replication does not wait, the last rows are gone. */
async function turn(database: TortureDatabase, turningPoint: FaultKind, ledger: Ledger): Promise<void> {
  const formerUrl = database.adminUrl()
  // Not a mock of Vitest's: those may be cleared when a concurrent test begins.
  let moves = 0
  database.onMoved(() => {
    moves++
  })
  await ledger.watch(() => inject(turningPoint, database))
  expect(moves).toBe(1)
  expect(database.adminUrl()).not.toBe(formerUrl)
  await ledger.writeAll()
  const lost = await ledger.lost()
  if (database.maySuffer) expect(lost.length).toBeGreaterThan(0)
  else expect(lost).toEqual([])
}

async function diagnosisOf(database: TortureDatabase): Promise<string> {
  await using one = await openExamined(database.adminUrl(), 'verrou_locks')
  return (await one.check('cluster')).map(({ level, what }) => `${level}: ${what}`).join()
}

async function inject(fault: FaultKind, database: TortureDatabase): Promise<void> {
  // No fault of a database's own hurts workers or proxies.
  const scene: Scene = { database, workers: [], proxies: [], tableName: 'ledger' }
  await fault.inject(fault.draw(new Random(1)), scene, AbortSignal.timeout(FAULT_MS))
}

/** @returns `undefined`: it cannot be had */
async function start(name: TortureDatabaseName): Promise<TortureDatabase | undefined> {
  let database: TortureDatabase | undefined
  await optionalServer(`torture of ${name}`, async () => {
    database = await TORTURE_DATABASES[name]()
    return { url: database.adminUrl(), version: database.version, source: '', stop: database.stop }
  })
  return database
}

function startTorture(...names: TortureDatabaseName[]) {
  const module = JSON.stringify(new URL('torture-databases.ts', import.meta.url).href)
  const script = `import { TORTURE_DATABASES } from ${module}
    await Promise.all(${JSON.stringify(names)}.map((name) => TORTURE_DATABASES[name]()))
    console.log('started')
    setInterval(() => {}, 1_000)`
  return spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: ['ignore', 'pipe', 'inherit'] })
}

/** Those that have a path of that folder in their command. */
function processesOf(folder: string): string[] {
  const commands = readdirSync('/proc').map((pid) => {
    try {
      return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ')
    } catch {
      return ''
    }
  })
  return commands.filter((command) => command.includes(folder))
}
