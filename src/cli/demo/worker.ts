import { setTimeout as pause } from 'node:timers/promises'
import type { Lock, LockFactory } from '../../index.ts'
import { connect } from '../connect.ts'
import { reasonOf } from '../output/reason-of.ts'
import { BoxOffice, locksTableOf } from './box-office.ts'
import { nowMs } from './now-ms.ts'

/** Where a worker process works: the first message it gets. */
export interface Post {
  readonly url: string
  readonly tables: string
  readonly worker: number
}

/** What it is told to sell, and how: `lock: null` is without a lock. */
export interface Sale {
  readonly concert: string
  readonly lock: { readonly ttlMs: number; readonly delayMs: number } | null
}

/** One time that a worker held the lock. */
export interface Hold {
  readonly worker: number
  readonly token: number
  readonly fromMs: number
  readonly toMs: number
}

/** What a worker is told after that. `stall`: think for ever the next time that you hold the lock. */
export type Order = { kind: 'sell'; sale: Sale } | { kind: 'stall' }

/** What a worker tells its parent. `idle`: waits for orders. */
export type News =
  | { kind: 'idle' }
  | { kind: 'turn'; hasSold: boolean; hold: Hold | null }
  | { kind: 'stalling'; hold: Hold; leaseEndsAtMs: number }
  | { kind: 'failed'; reason: string }

interface Desk extends Post {
  readonly office: BoxOffice
  readonly locks: LockFactory
}

let mustStall = false

process.once('message', (post: Post) => begin(post).catch(fail))
// Ctrl-C reaches every process of the terminal; the parent decides what it means for us.
process.on('SIGINT', () => {})
// A worker does not outlive its parent.
process.on('disconnect', () => process.exit())

async function begin(post: Post): Promise<void> {
  const connection = await connect({ url: post.url, table: locksTableOf(post.tables) })
  const office = new BoxOffice(connection.db, post.tables)
  const locks = connection.openLocks({ label: `worker ${post.worker}` })
  process.on('message', (order: Order) => {
    if (order.kind === 'stall') mustStall = true
    else sellOut({ ...post, office, locks }, order.sale).catch(fail)
  })
  await say({ kind: 'idle' })
}

async function sellOut(desk: Desk, sale: Sale): Promise<void> {
  for (let hasSold = true; hasSold; ) {
    const turn = sale.lock
      ? await sellLocked(desk, sale.concert, sale.lock)
      : { hasSold: await sellOne(desk, sale.concert), hold: null }
    await say({ kind: 'turn', ...turn })
    hasSold = turn.hasSold
    // The next customer takes a moment to come; meanwhile the other workers have theirs.
    await randomPause(4, 12)
  }
  await say({ kind: 'idle' })
}

/** Read, think, write: right only if nobody else does the same meanwhile. */
async function sellOne({ office, worker }: Desk, concert: string): Promise<boolean> {
  const seat = await office.readSeatsLeft(concert)
  if (seat === 0) return false
  await randomPause(3, 9)
  await office.writeSeatsLeft(concert, seat - 1)
  await office.recordSale(concert, seat, worker)
  return true
}

/** The same inside `lock.run`. That is all; the rest is for the report. */
async function sellLocked(desk: Desk, concert: string, { ttlMs, delayMs }: NonNullable<Sale['lock']>) {
  const lock = desk.locks.createLock(concert, ttlMs)
  let hold: Hold | null = null
  const [, hasSold] = await lock.run(
    async ({ fencingToken }) => {
      const start = { worker: desk.worker, token: fencingToken, fromMs: nowMs() }
      if (mustStall) await stall(lock, { ...start, toMs: start.fromMs })
      const sold = await sellOne(desk, concert)
      hold = { ...start, toMs: nowMs() }
      return sold
    },
    { retry: { delay: delayMs } },
  )
  return { hasSold: hasSold === true, hold }
}

/** Holds the lock until the parent kills us. */
async function stall(lock: Lock, hold: Hold): Promise<void> {
  await say({ kind: 'stalling', hold, leaseEndsAtMs: nowMs() + (lock.getRemainingTime() ?? 0) })
  await pause(60_000)
}

async function randomPause(leastMs: number, mostMs: number): Promise<void> {
  await pause(leastMs + Math.random() * (mostMs - leastMs))
}

async function fail(error: unknown): Promise<void> {
  await say({ kind: 'failed', reason: reasonOf(error) })
  process.exit(1)
}

/** Resolves when the message is on its way. Does not come back when there is no parent any more. */
function say(news: News): Promise<void> {
  return new Promise((resolve) => {
    process.send!(news, (error: Error | null) => (error ? process.exit() : resolve()))
  })
}
