import { type ChildProcess, spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import type { OpenBackend } from './support/contract-backend.ts'
import { oneTableBackendOfEach } from './support/contract-backends.ts'

/** G3, G10: 8 processes move money between 10 accounts, and one of them is killed every second. No money is made or lost. */

const PROCESSES = 8
const TRANSFERS = { 'until-commit': 300, guard: 150 } as const
const ACCOUNTS = 10
const BALANCE = 1_000
const KILL_EVERY_MS = 1_000

describe.each(['until-commit', 'guard'] as const)('%s', (mode) => {
  test.runIf(oneTableBackendOfEach().length === 0)('nothing to test: no database of this file is selected', () => {})
  for (const backend of oneTableBackendOfEach()) {
    test(backend.name, { timeout: 240_000 }, async () => {
      const open = await backend.open()
      const bank = await openBank(open)
      const workers = startWorkers(open, bank.tables, mode)
      try {
        const sums = new Set<number>()
        let looks = 0
        while (!workers.areDone()) {
          sums.add(await bank.sum())
          looks++
          await sleep(10)
        }
        expect(workers.complaints()).toBe('')
        expect([...sums]).toEqual([ACCOUNTS * BALANCE])
        expect(looks).toBeGreaterThan(10)
        expect(await bank.balances()).toEqual(await bank.balancesByMoves())
        expect(workers.kills()).toBeGreaterThan(0)
      } finally {
        workers.stop()
        await bank.drop()
        await open.close()
      }
    })
  }
})

/** The accounts, and every committed transfer beside them. */
async function openBank({ send }: OpenBackend) {
  const tables = `bank_${randomBytes(4).toString('hex')}`
  await send(`create table ${tables} (id integer primary key, balance integer not null)`)
  await send(
    `create table ${tables}_moves (worker integer, move integer, payer integer, payee integer, amount integer, primary key (worker, move))`,
  )
  for (let id = 0; id < ACCOUNTS; id++) await send(`insert into ${tables} (id, balance) values (${id}, ${BALANCE})`)

  const byAccount = async (sql: string) =>
    new Map((await send(sql)).map((row) => [Number(row.id), Number(row.total)] as const))
  return {
    tables,
    async sum() {
      const [row] = await send(`select sum(balance) as total from ${tables}`)
      return Number(row?.total)
    },
    balances: () => byAccount(`select id, balance as total from ${tables} order by id`),
    async balancesByMoves() {
      const paid = await byAccount(`select payer as id, sum(amount) as total from ${tables}_moves group by payer`)
      const got = await byAccount(`select payee as id, sum(amount) as total from ${tables}_moves group by payee`)
      const ids = Array.from({ length: ACCOUNTS }, (_, id) => id)
      return new Map(ids.map((id) => [id, BALANCE - (paid.get(id) ?? 0) + (got.get(id) ?? 0)]))
    },
    async drop() {
      await send(`drop table ${tables}`)
      await send(`drop table ${tables}_moves`)
    },
  }
}

/** Keeps as many processes at work, until each has done its transfers. */
function startWorkers({ address }: OpenBackend, tables: string, mode: keyof typeof TRANSFERS) {
  const running = new Map<number, ChildProcess>()
  let isStopping = false
  let complaints = ''
  let kills = 0
  const start = (worker: number) => {
    const child = spawn(
      process.execPath,
      [WORKER, JSON.stringify(address), tables, String(worker), String(TRANSFERS[mode]), mode],
      { stdio: ['ignore', 'ignore', 'pipe'], env: { ...process.env, NODE_COMPILE_CACHE: COMPILE_CACHE } },
    )
    running.set(worker, child)
    let said = ''
    child.stderr?.on('data', (data) => {
      said += data
    })
    child.on('close', (code, signal) => {
      running.delete(worker)
      if (signal === 'SIGKILL' && !isStopping) start(worker)
      else if (code !== 0) complaints += said
    })
  }
  for (let worker = 0; worker < PROCESSES; worker++) start(worker)

  const killing = setInterval(() => {
    const alive = [...running.values()]
    if (alive[Math.floor(Math.random() * alive.length)]?.kill('SIGKILL')) kills++
  }, KILL_EVERY_MS)

  return {
    areDone: () => running.size === 0 || complaints !== '',
    complaints: () => complaints,
    kills: () => kills,
    stop() {
      isStopping = true
      clearInterval(killing)
      for (const child of running.values()) child.kill('SIGKILL')
    },
  }
}

const WORKER = fileURLToPath(new URL('support/transactions/transfer-worker.ts', import.meta.url))
/** Eight at once are mostly busy with reading the same modules. */
const COMPILE_CACHE = join(tmpdir(), 'verrou-compile-cache')
