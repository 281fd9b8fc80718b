import type { OpenBackend } from '../contract-backend.ts'

/** How a transaction can be begun. Left out: as the library and the server do by default. */
export interface BeginOptions {
  readonly isolation?: IsolationLevel | undefined
}

export type IsolationLevel = 'read committed' | 'repeatable read' | 'serializable'

/** A library that has transactions, on one database, as the transaction suite sees it. */
export interface TransactionBackend {
  /** `postgres-18 (knex)` */
  readonly name: string
  readonly family: 'sqlite' | 'postgres' | 'mysql'
  open(): Promise<OpenTransactions>
}

/** A backend that is open: one lock table, and a maker of transactions of the library. */
export interface OpenTransactions {
  /** The table, and a back door to it that is no part of any transaction. */
  readonly table: OpenBackend
  /** Begins a transaction on a connection of its own, through the library, in the way that its users do it. */
  begin(options?: BeginOptions): Promise<BegunTransaction>
  close(): Promise<void>
}

/** One open transaction. */
export interface BegunTransaction {
  /** What is passed to `verrou.within(…)`: Kysely's own transaction, or what the `from…` function made. */
  // biome-ignore lint/suspicious/noExplicitAny: each library's own
  readonly transaction: any
  /** Sends SQL without values on the transaction, through the library; its rows, if it brings back any. */
  send(text: string): Promise<Record<string, unknown>[]>
  /** Ends it; afterwards its connection is free again. */
  commit(): Promise<void>
  rollback(): Promise<void>
}
