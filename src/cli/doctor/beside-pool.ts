import { kyselyExecutor } from '../../executors/kysely.ts'
import type { PgPoolLike } from '../../executors/pg.ts'
import type { HearingConnection } from '../../executors/reopening-connection.ts'
import { connectionBesidePg } from '../../store/beside-pool.ts'
import type { Patient } from './patient.ts'

/** How the library itself would open its own connection beside the pool. */
export interface BesidePool {
  connect(): HearingConnection
  /** The pool's connections. */
  readonly executor: ReturnType<typeof kyselyExecutor>
}

/** Why there is nothing to look at. */
export const NO_POOL = 'the pool behind this Kysely instance does not show; --url gives one that does'

/** @returns `undefined`: the pool does not show how it connects */
export function besidePool({ pool, db }: Patient): BesidePool | undefined {
  const make = () => pool && connectionBesidePg({ pool: pool as PgPoolLike, listen: undefined, nameSuffix: null })
  if (!make()) return undefined
  return { connect: () => make() as HearingConnection, executor: kyselyExecutor(db) }
}
