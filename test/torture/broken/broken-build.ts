import type { LockStore } from '../../../src/index.ts'

/** A deliberately broken build of the library, which the checker must catch. */
export interface BrokenBuild {
  /** For people, and the command line: `no expiry check`. */
  readonly name: string
  /** The databases that it can be seen on. */
  readonly families: readonly ('sqlite' | 'postgres' | 'mysql')[]
  /** The checks that are meant to find it: one of them must. */
  readonly caughtBy: readonly string[]
  /** Only these kinds of work, where the mistake shows too rarely for a minute among all the others. */
  readonly work?: readonly string[]
  /** Only these faults, for the same reason; none, where what is wrong shows in a calm. */
  readonly faults?: readonly string[]
  /** Changes the text of statements on their way to the driver. */
  readonly breakSql?: (sql: string) => string
  /** Changes what the store does or answers. */
  readonly breakStore?: (store: LockStore) => LockStore
  /** Changes the process itself, before anything else is done. */
  readonly breakProcess?: () => void | Promise<void>
}
