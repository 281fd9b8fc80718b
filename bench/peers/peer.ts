import type { Place } from '../places/place.ts'

/** How a process of the benchmark opens a peer. */
export interface PeerWishes {
  readonly url: string
  /** Connections, where the peer uses a pool. */
  readonly poolSize: number
  /** Instead of the peer's own; only where the peer can have several. */
  readonly tableName?: string | undefined
}

/** A lock that was taken. */
export interface Taken {
  release(): Promise<unknown>
}

/** A lock library as the benchmark sees it: each call does what an app would do, and no more. */
export interface OpenPeer {
  /** One try; `undefined`: somebody else has it. */
  take(key: string, ttlMs: number): Promise<Taken | undefined>
  /** Waits until it has the key, works and gives the key back. Missing: it cannot wait. */
  run?(key: string, work: () => Promise<void>, signal: AbortSignal): Promise<unknown>
  close(): Promise<unknown>
}

export interface Peer {
  /** Makes its table, before any process opens it. Missing: it has none. */
  prepare?(place: Place, tableName: string | undefined): Promise<void>
  open(wishes: PeerWishes): Promise<OpenPeer>
}
