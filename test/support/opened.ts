import type { Kysely } from 'kysely'
import type { LockStore } from '../../src/index.ts'

/** How a backend is opened: the connection for the back door, and a maker of stores. */
export interface Opened {
  /** A URL, or the path of the file; `undefined`: no other process can open it. */
  readonly url: string | undefined
  // biome-ignore lint/suspicious/noExplicitAny: no tables are typed here
  readonly db: Kysely<any>
  /** @param batch as of the store; default: true */
  store(tableName: string, batch?: boolean): LockStore
  close(): Promise<void>
}
