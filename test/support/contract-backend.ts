import type { LockFactory, LockFactoryOptions, LockStore } from '../../src/index.ts'

/** A place where leases live, as the contract suite sees it: one table, and a back door to it. */
export interface ContractBackend {
  readonly name: string
  /** `memory` has no table and no second process. */
  readonly family: 'memory' | 'sqlite' | 'postgres' | 'mysql'
  /** Its leases end with this process, and cannot be handed to another. */
  readonly hasPresence?: boolean
  open(): Promise<OpenBackend>
}

/** Where a table is: enough for another process to open it. */
export interface TableAddress {
  readonly family: 'sqlite' | 'postgres' | 'mysql'
  /** A URL, or the path of the file. */
  readonly url: string
  readonly tableName: string
}

/** One table, opened for one test file. */
export interface OpenBackend {
  /** `undefined`: no other process can open it. */
  readonly address: TableAddress | undefined
  /** Sends anything through the back door. */
  send(text: string): Promise<Record<string, unknown>[]>
  /** A store of its own on the same table, as another process would have. */
  store(): LockStore
  factory(options?: LockFactoryOptions): LockFactory
  /** Lets time pass for every lease that ends: they have `ms` less from now on. */
  pass(ms: number): Promise<void>
  /** Sets a key's token, as a restored backup or a lost failover would. */
  setToken(key: string, token: number): Promise<void>
  /** Gives the table rows of keys that have been free for so long. */
  addFree(keys: readonly string[], forMs: number): Promise<void>
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
