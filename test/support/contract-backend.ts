import type { LockFactory, LockFactoryOptions, LockStore } from '../../src/index.ts'

/** A place where leases live, as the contract suite sees it: one table, and a back door to it. */
export interface ContractBackend {
  readonly name: string
  /** `memory` has no table and no second process. */
  readonly family: 'memory' | 'sqlite' | 'postgres' | 'mysql'
  open(): Promise<OpenBackend>
}

/** One table, opened for one test file. */
export interface OpenBackend {
  /** A store of its own on the same table, as another process would have. */
  store(): LockStore
  factory(options?: LockFactoryOptions): LockFactory
  /** Lets time pass for every lease that ends: they have `ms` less from now on. */
  pass(ms: number): Promise<void>
  /** Sets a key's token, as a restored backup or a lost failover would. */
  setToken(key: string, token: number): Promise<void>
  /** Every row of the table. */
  rows(): Promise<LockRow[]>
  close(): Promise<void>
}

/** A row as the database has it. */
export interface LockRow {
  readonly key: string
  readonly owner: string | null
  readonly token: number
  readonly expiresAt: bigint
  readonly heldBy: string | null
}
