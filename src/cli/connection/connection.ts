import type { Kysely } from 'kysely'
import type { DialectName } from '../../dialects/compiler.ts'
import type { LockFactory, LockFactoryOptions } from '../../index.ts'
import type { TableOptions } from '../../options.ts'
import type { LockStore } from '../../store/lock-store.ts'

/** A database that a command of `verrou` speaks to. */
export interface Connection extends AsyncDisposable {
  readonly db: Kysely<unknown>
  readonly dialect: DialectName
  /** Where it is, for people: without the password. */
  readonly url: string
  /** It is the file `./verrou.db`, since nobody has named another database. */
  readonly isEmbedded: boolean
  readonly tableOptions: TableOptions
  /** What `db` has its connections from, a pool of `pg` or `mysql2`; `undefined`: it does not show, or there is none. */
  readonly pool: object | undefined
  /** Closed with the connection, if nobody has closed it before. @param table another one than that of the command line */
  openLocks(options?: LockFactoryOptions, table?: TableOptions): LockFactory
  close(): Promise<void>
}

/** A database that was opened, and may not have been reached yet. */
export interface OpenDatabase {
  readonly db: Kysely<unknown>
  /** `undefined`: it has to be asked. */
  readonly dialect: DialectName | undefined
  readonly url: string
  /** See {@link Connection}. */
  readonly pool?: object
  lockStore(table: TableOptions): LockStore
  close(): Promise<void>
}
