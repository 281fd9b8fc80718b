import type { LockFactory, TransactionLike } from '../../../src/index.ts'
import type { Recorder } from '../recorder.ts'

/** One kind of work. A new kind of lock joins the torture with a file of its own in this folder, and a line in work-kinds.ts. */
export interface WorkKind {
  /** For the report: `guarded write`. */
  readonly name: string
  /** How often it is drawn, next to the others; 10 is usual. */
  readonly weight: number
  /** Left out where the database has no locks of sessions, which presence needs as well. */
  readonly needs?: 'locks of sessions'
  /** Does one piece of it, and writes down what it does and what it is told. Throws nothing but bugs of its own. */
  perform(tools: WorkTools): Promise<void>
}

/** What work is done with. */
export interface WorkTools {
  /** The name of this piece of work, unique in the whole torture. */
  readonly op: string
  readonly locks: LockFactory
  /** Leases of this process end with it: `presence: true`. */
  readonly isPresent: boolean
  readonly record: Recorder
  /** Nobody is told of releases by other processes. */
  readonly isPolled: boolean
  /** A key that everybody wants, or one of many that few want. */
  anyKey(): string
  coldKey(): string
  /** The key, and name, of a number in the database that is only changed under a lock. */
  counter(): string
  between(least: number, most: number): number
  percent(chance: number): boolean
  sleep(ms: number): Promise<unknown>
  /** The same while a transaction is open: shorter for a file, which has one writer at a time. */
  sleepWithin(ms: number): Promise<unknown>
  /**
   * Does something in a transaction of the caller's own, and commits it. Writes down commit, success and rollback.
   *
   * @returns whether it was committed, as far as this process knows
   */
  transact(work: (within: WithinTransaction) => Promise<void>): Promise<boolean>
  /** Reads the number and writes one more, as `tool`, protected by nothing but the lock of this token. */
  increment(within: WithinTransaction, counter: string, token: number, tool: string): Promise<void>
  readonly handoffs: Handoffs
}

/** A transaction that is open. */
export interface WithinTransaction {
  readonly transaction: TransactionLike
  readonly send: Send
}

/** Sends one statement. */
export type Send = (
  sql: string,
) => Promise<{ readonly rows: readonly Record<string, unknown>[]; readonly changed: number }>

/** Serialized locks on their way to another process, in a table. */
export interface Handoffs {
  /** Puts one there, with the transaction. */
  put(within: WithinTransaction, handoff: Handoff): Promise<void>
  /** Takes one out, so that nobody else has it. */
  take(): Promise<Handoff | undefined>
}

export interface Handoff {
  readonly token: number
  /** What `lock.serialize()` made. */
  readonly serialized: string
}

/** Thrown by work to have its transaction rolled back: nothing is wrong. */
export class ChangedItsMind extends Error {}
