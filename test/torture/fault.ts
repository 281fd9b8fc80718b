import type { TortureDatabase } from './databases/torture-database.ts'
import type { FaultyProxy } from './faulty-proxy.ts'
import type { Random } from './random.ts'
import type { WorkerProcess } from './worker-process.ts'

/** What a fault does in detail: plain JSON, drawn from the seed, so that it can be printed, compared and repeated. */
export type FaultDetails = Readonly<Record<string, number | string | boolean>>

/**
 * `process`: what happens to a worker. `network`: to its connections. `server`: to the database and what it keeps. Faults of the server come
 * one after the other; all else overlaps as chance has it.
 */
export type Lane = 'process' | 'network' | 'server'

/** One way to make trouble. */
export interface FaultKind {
  /** For people and the plan: `kill worker`, `vacuum full`. */
  readonly name: string
  readonly lane: Lane
  /** How often it is drawn, next to the others of its lane; 10 is usual. */
  readonly weight: number
  /** Decides everything about one fault, by the seed alone: nothing that is found out at run time may change what was drawn. */
  draw(random: Random): FaultDetails
  /**
   * Makes the trouble, and undoes it: resolves when all is as it was before. `signal` ends it early. Throws only if the
   * fault could not be made at all, which the report counts as a fault that was not injected.
   */
  inject(details: FaultDetails, scene: Scene, signal: AbortSignal): Promise<void>
}

/** Who and what can be hurt. */
export interface Scene {
  readonly database: TortureDatabase
  readonly workers: readonly WorkerProcess[]
  /** One before each worker; none for a file. */
  readonly proxies: readonly FaultyProxy[]
  /** The table of the locks. */
  readonly tableName: string
}
