/** What a worker is told when it starts. */
export interface WorkerSettings {
  /** Worker and incarnation: `3.2`. */
  readonly process: string
  /** Where it connects: through its proxy, or the path of the file. */
  readonly url: string
  readonly family: 'sqlite' | 'postgres' | 'mysql'
  /** Odd workers use Kysely, even ones the store of the driver. */
  readonly store: 'driver' | 'kysely'
  /** Whether calls of the same moment leave together: with half of either kind. */
  readonly batch: boolean
  /** Leases end with the process: half of all that can be, of each kind above. */
  readonly presence: boolean
  /** There are locks of sessions. */
  readonly hasSessionLocks: boolean
  readonly tableName: string
  /** Where the histories are. */
  readonly folder: string
  /** What is done at the same time. */
  readonly atOnce: number
  /** A deliberately broken build of the library, by name. */
  readonly broken?: string | undefined
  /** Only these kinds of work; all if left out. */
  readonly only?: readonly string[] | undefined
}
