import type { Sale } from './worker.ts'

/** How many seats every concert has, and how many processes sell them. */
export const SEATS = 200
export const WORKERS = 4

/** One act of the demo: the same sale, under other circumstances. */
export interface Act {
  readonly number: number
  readonly title: string
  /** What is about to happen, and why, in one line. */
  readonly explanation: string
  readonly lock: Sale['lock']
  /** Who is killed, and after how many sales. */
  readonly kill: { readonly worker: number; readonly afterSales: number } | null
}

/** Short, since a sale takes some 10 ms: with the default of 250 ms, the lock would be free most of the time. */
const DELAY_MS = 20

export const ACTS: readonly Act[] = [
  {
    number: 1,
    title: 'without a lock',
    explanation: 'Each reads the seats left, thinks, writes one less: some sell the same seat.',
    lock: null,
    kill: null,
  },
  {
    number: 2,
    title: 'with lock.run',
    explanation: 'The same code inside lock.run: one worker at a time reads, thinks and writes.',
    lock: { ttlMs: 10_000, delayMs: DELAY_MS },
    kill: null,
  },
  {
    number: 3,
    title: 'a holder is killed',
    explanation: 'One worker dies holding the lock: its lease ends after 1.5 s, the rest go on.',
    lock: { ttlMs: 1_500, delayMs: DELAY_MS },
    kill: { worker: 2, afterSales: 70 },
  },
]
