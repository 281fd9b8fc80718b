import type { FaultKind } from '../fault.ts'

/** Where a server listens. */
export interface Endpoint {
  readonly host: string
  readonly port: number
}

/** What is tortured: a server of the torture's own, a cluster of them, or a file. */
export interface TortureDatabase {
  /** As on the command line. */
  readonly name: string
  readonly family: 'sqlite' | 'postgres' | 'mysql'
  /** What runs, in words, for the report: `PostgreSQL 18.4 with a synchronous standby (remote_apply)`. */
  readonly version: string
  /**
   * For the torture itself, without a proxy: a URL of a server that takes writes now (after a failover another one), or a file's path.
   * Its user may do anything.
   */
  adminUrl(): string
  /** What workers use, with host and port to be replaced by those of their proxy: for a file, its path. */
  workerUrl(): string
  /** Where the proxy of this worker leads now; a file leads nowhere. */
  endpointOf(worker: number): Endpoint | undefined
  /** Calls the listener whenever an endpoint has changed, so that proxies follow (new connections only). */
  onMoved(listener: () => void): void
  /**
   * Whether locks of database sessions are at work, and presence with them: there are none of a file, none of a client's behind a pooler that shares sessions,
   * and of a cluster whose nodes take turns each node has its own.
   */
  readonly hasSessionLocks: boolean
  /** The trouble that only this database can have: crash and restart, a node that is cut off. */
  readonly faults: readonly FaultKind[]
  /** Comes once, halfway: the failover. */
  readonly turningPoint?: FaultKind
  /** Grants that were acknowledged may be gone after the turning point: replication is asynchronous. */
  readonly maySuffer?: 'lost grants'
  /** A member that comes back carries out anew what was committed long ago, with the settings that its session had then. */
  readonly repeatsStatements?: true
  /** Brings back whatever is still down; afterwards everything answers that can answer. */
  heal(): Promise<void>
  /** Ends all that was started, and removes it. */
  stop(): Promise<void>
}
