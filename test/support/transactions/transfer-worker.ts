// node transfer-worker.ts ADDRESS-JSON TABLES WORKER TRANSFERS MODE
// Moves money between accounts: reads two balances, computes, writes them back, with no locking but ours.
// MODE: until-commit, or guard (a lease on each account, and guards in the transaction that writes).
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import { CompiledQuery } from 'kysely'
import { fromBetterSqlite3 } from '../../../src/adapters/better-sqlite3.ts'
import { type Lock, LockFactory, type TransactionLike } from '../../../src/index.ts'
import type { TableAddress } from '../contract-backend.ts'
import { openAddress } from '../open-address.ts'

const [address = '', tables = '', worker = '0', transfers = '0', mode = ''] = process.argv.slice(2)
const table: TableAddress = JSON.parse(address)
const opened = await openAddress(table)
const locks = new LockFactory(opened.store(table.tableName), { retry: { delay: 20, timeout: '10s' } })

type Send = (text: string) => Promise<Record<string, unknown>[]>
type Work = (transaction: TransactionLike, send: Send) => Promise<void>

/** Begins, works, commits; rolls back when the work throws. */
const inTransaction = table.family === 'sqlite' ? sqliteTransactions(table.url) : kyselyTransactions()

const [done] = await (await plainSend())(`select count(*) as n from ${tables}_moves where worker = ${worker}`)
for (let move = Number(done?.n); move < Number(transfers); ) {
  if (await tryTransfer(move)) move++
  else await sleep(Math.random() * 20)
}
await locks.close()
await opened.close()

async function tryTransfer(move: number): Promise<boolean> {
  const from = Math.floor(Math.random() * 10)
  const to = (from + 1 + Math.floor(Math.random() * 9)) % 10
  try {
    return await (mode === 'guard' ? transferGuarded(move, from, to) : transferUntilCommit(move, from, to))
  } catch (error) {
    if (isWorthRepeating(error)) return false
    throw error
  }
}

async function transferUntilCommit(move: number, from: number, to: number): Promise<boolean> {
  let isLocked = false
  await inTransaction(async (transaction, send) => {
    const locked = await locks
      .within(transaction)
      .lockUntilCommit([accountKey(from), accountKey(to)], { timeout: '5s' })
    isLocked = locked !== false
    if (isLocked) await write(send, move, from, to)
  })
  return isLocked
}

async function transferGuarded(move: number, from: number, to: number): Promise<boolean> {
  const held: Lock[] = []
  try {
    for (const key of [accountKey(from), accountKey(to)].sort()) {
      const lock = locks.createLock(key, '1s')
      if (!(await lock.acquire())) return false
      held.push(lock)
    }
    await inTransaction(async (transaction, send) => {
      for (const lock of held) await lock.guard(transaction)
      await write(send, move, from, to)
    })
    return true
  } finally {
    for (const lock of held) await lock.release().catch(() => {})
  }
}

async function write(send: Send, move: number, from: number, to: number): Promise<void> {
  const amount = 1 + Math.floor(Math.random() * 5)
  const [payer] = await send(`select balance from ${tables} where id = ${from}`)
  const [payee] = await send(`select balance from ${tables} where id = ${to}`)
  await send(`update ${tables} set balance = ${Number(payer?.balance) - amount} where id = ${from}`)
  await send(`update ${tables} set balance = ${Number(payee?.balance) + amount} where id = ${to}`)
  await send(
    `insert into ${tables}_moves (worker, move, payer, payee, amount) values (${worker}, ${move}, ${from}, ${to}, ${amount})`,
  )
}

function accountKey(id: number): string {
  return `account:${id}`
}

/** What ends with a rollback, and another try of the whole transfer. */
function isWorthRepeating(error: unknown): boolean {
  for (let one = error; one instanceof Error; one = one.cause) {
    const { code, errno } = one as { code?: unknown; errno?: unknown }
    const isConflict = ['E_TRANSACTION_CONFLICT', 'E_LOCK_LOST', '40001', '40P01'].includes(String(code))
    if (isConflict || errno === 1213 || String(code).startsWith('SQLITE_BUSY')) return true
  }
  return false
}

function kyselyTransactions(): (work: Work) => Promise<void> {
  return (work) =>
    opened.db.transaction().execute((trx) => {
      return work(trx, async (text) => {
        const { rows } = await trx.executeQuery(CompiledQuery.raw(text))
        return rows as Record<string, unknown>[]
      })
    })
}

function sqliteTransactions(path: string): (work: Work) => Promise<void> {
  const database = new Database(path)
  return async (work) => {
    database.exec('begin immediate')
    try {
      await work(fromBetterSqlite3(database), async (text) => {
        const statement = database.prepare(text)
        if (statement.reader) return statement.all() as Record<string, unknown>[]
        statement.run()
        return []
      })
      database.exec('commit')
    } catch (error) {
      database.exec('rollback')
      throw error
    }
  }
}

async function plainSend(): Promise<Send> {
  return async (text) => (await opened.db.executeQuery(CompiledQuery.raw(text))).rows as Record<string, unknown>[]
}
