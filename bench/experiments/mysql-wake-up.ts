// npx node bench/experiments/mysql-wake-up.ts [rounds] [json file] [plays: short,long,…]
// What docs/decisions/0020-waking-up-on-mysql.md was decided by: ways to hear of a release on MySQL and MariaDB, side by side. Needs
// VERROU_TEST_MYSQL_URL and VERROU_TEST_MARIADB_URL, with a user that may create databases and users.
// The ways are built on the statements of the store, and good enough to be measured: none of this is used by the library.
import { fork } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { once } from 'node:events'
import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { setTimeout as sleep } from 'node:timers/promises'
import Table from 'cli-table3'
import mysql from 'mysql2/promise'
import { BenchDatabase } from './bench-database.ts'
import type { Scenario, Seen, Way } from './mysql-wake-up-worker.ts'

const WAYS: readonly Way[] = [
  { kind: 'poll', firstMs: 250, mostMs: 250, growth: 1 },
  { kind: 'poll', firstMs: 5, mostMs: 250, growth: 2 },
  { kind: 'poll', firstMs: 5, mostMs: 250, growth: 1.3 },
  { kind: 'poll', firstMs: 5, mostMs: 50, growth: 2 },
  { kind: 'named lock of the key' },
  { kind: 'bell of the process' },
  { kind: 'kill query' },
]

interface Play extends Omit<Scenario, 'way' | 'url' | 'originNs'> {
  readonly what: 'short' | 'short-4' | 'long' | 'quiet' | 'alone'
  readonly processes: number
}

/** `short`: keys are kept for 5 ms. `long`: for 300 ms. `quiet`: one keeps the key, four wait. `alone`: nobody waits. */
const PLAYS: readonly Play[] = [
  { what: 'short', processes: 2, holdMs: 5, pauseMs: 20, measureMs: 2_000, keepsFirst: false },
  { what: 'short-4', processes: 4, holdMs: 5, pauseMs: 20, measureMs: 2_000, keepsFirst: false },
  { what: 'long', processes: 2, holdMs: 300, pauseMs: 50, measureMs: 5_000, keepsFirst: false },
  { what: 'quiet', processes: 5, holdMs: 0, pauseMs: 0, measureMs: 10_000, keepsFirst: true },
  { what: 'alone', processes: 1, holdMs: 0, pauseMs: 0, measureMs: 1_500, keepsFirst: false },
]

interface Cell {
  latenciesMs: number[]
  holds: number
  seconds: number
  statements: number
}

const [rounds = '2', json = '', chosen = PLAYS.map(({ what }) => what).join()] = process.argv.slice(2)
const cells = new Map<string, Cell>()
const databases = await Promise.all(
  [
    { name: 'mysql', family: 'mysql' as const, url: process.env.VERROU_TEST_MYSQL_URL ?? '' },
    { name: 'mariadb', family: 'mysql' as const, url: process.env.VERROU_TEST_MARIADB_URL ?? '' },
  ].map((target) => BenchDatabase.create(target)),
)
try {
  for (const { url } of databases) await createWaiters(url)
  for (let round = 1; round <= Number(rounds); round++) {
    for (const play of PLAYS.filter(({ what }) => chosen.split(',').includes(what))) {
      // A rate of statements is the same every time.
      if (play.what === 'quiet' && round > 1) continue
      for (const way of WAYS) for (const database of databases) await measure(database, way, play)
      process.stderr.write(`round ${round} of ${rounds}: ${play.what} (load ${loadavg()[0]?.toFixed(1)})\n`)
    }
  }
  for (const database of databases) print(database)
  if (json !== '') await writeFile(json, JSON.stringify([...cells], undefined, 1))
} finally {
  for (const database of databases) await database.drop()
}

/** Who is to be woken by `kill query`. */
async function createWaiters(url: string): Promise<void> {
  const connection = await mysql.createConnection(url)
  await connection.query('create table wake_waiters (connection_id bigint primary key, `key` varbinary(1024) not null)')
  await connection.end()
}

async function measure(database: BenchDatabase, way: Way, play: Play): Promise<void> {
  const originNs = `${process.hrtime.bigint()}`
  const key = randomBytes(6).toString('hex')
  const children = Array.from({ length: play.processes }, () =>
    fork(new URL('./mysql-wake-up-worker.ts', import.meta.url), { serialization: 'advanced' }),
  )
  const impatience = setTimeout(() => {
    for (const child of children) child.kill('SIGKILL')
  }, play.measureMs + 20_000)
  try {
    const { holdMs, pauseMs, measureMs, keepsFirst } = play
    for (const [index, child] of children.entries()) {
      child.send({
        way,
        url: database.url,
        originNs,
        key,
        holdMs,
        pauseMs,
        measureMs,
        keepsFirst: keepsFirst && index === 0,
      })
      // The one that keeps the key must be the first to have it.
      if (keepsFirst && index === 0) await once(child, 'message')
    }
    await Promise.all(children.slice(play.keepsFirst ? 1 : 0).map((child) => once(child, 'message')))
    const answers = Promise.all(children.map((child) => once(child, 'message')))
    for (const child of children) child.send('go')
    await sleep(300)
    const before = await database.statementsSoFar()
    await sleep(play.measureMs - 600)
    const after = await database.statementsSoFar()
    const seen = (await answers).map(([one]) => one as Seen)
    note(`${database.name}|${nameOf(way)}|${play.what}`, seen, play, (after ?? 0) - (before ?? 0))
  } finally {
    clearTimeout(impatience)
    for (const child of children) child.kill()
  }
}

function note(name: string, seen: readonly Seen[], play: Play, statements: number): void {
  const cell = cells.get(name) ?? { latenciesMs: [], holds: 0, seconds: 0, statements: 0 }
  cells.set(name, cell)
  const holds = seen
    .flatMap(({ holds }, process) => holds.map((hold) => ({ ...hold, process })))
    .sort((one, other) => one.token - other.token)
  for (const [index, next] of holds.entries()) {
    const last = holds[index - 1]
    if (last && last.process !== next.process && next.askedNs < last.releasedNs)
      cell.latenciesMs.push((next.grantedNs - last.releasedNs) / 1e6)
  }
  cell.holds += holds.length
  cell.seconds += play.what === 'alone' ? play.measureMs / 1000 : (play.measureMs - 600) / 1000
  cell.statements += statements
}

function print({ name, version }: BenchDatabase): void {
  const table = new Table({
    head: [
      '',
      'short, 2\nmedian / p99 ms',
      'short, 4\nmedian / p99 ms',
      'long, 2\nmedian / max ms',
      'statements/s\n4 wait',
      'pairs/s\nalone',
    ],
    style: { head: [], border: [], compact: true },
  })
  for (const way of WAYS) {
    const cell = (what: Play['what']) =>
      cells.get(`${name}|${nameOf(way)}|${what}`) ?? { latenciesMs: [], holds: 0, seconds: 0, statements: 0 }
    const at = (what: Play['what'], share: number) => {
      const sorted = cell(what).latenciesMs.sort((one, other) => one - other)
      return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * share))]?.toFixed(1) ?? '-'
    }
    const both = (what: Play['what'], high: number) =>
      `${at(what, 0.5)} / ${at(what, high)} (${cell(what).latenciesMs.length})`
    table.push([
      nameOf(way),
      both('short', 0.99),
      both('short-4', 0.99),
      both('long', 1),
      (cell('quiet').statements / cell('quiet').seconds).toFixed(1),
      (cell('alone').holds / cell('alone').seconds).toFixed(0),
    ])
  }
  process.stdout.write(`\n${name} (${version}), ${rounds} rounds\n${table.toString()}\n`)
}

function nameOf(way: Way): string {
  if (way.kind !== 'poll') return way.kind
  return way.growth === 1 ? `poll, ${way.mostMs} ms` : `poll, ${way.firstMs} to ${way.mostMs} ms, × ${way.growth}`
}
