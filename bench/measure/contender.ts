import type { NotRun } from '../not-run.ts'
import type { PeerName } from '../peers/peers.ts'
import type { Place } from '../places/place.ts'

/** Connections of everybody who has a pool, unless a scenario says otherwise: the default of `pg` and of `mysql2`. */
export const POOL_SIZE = 10

/** Somebody who is measured, and where. */
export interface Contender {
  /** Unique in its comparison; for people. */
  readonly label: string
  readonly peer: PeerName
  /** Or why there is none. */
  readonly place: Place | NotRun
  readonly poolSize?: number
  readonly processes?: number
  readonly tableName?: string
}
