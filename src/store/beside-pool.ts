import type { OwnConnection, SqlExecutor } from '../executors/executor.ts'
import { mysql2Connection, showsMysql2Settings } from '../executors/mysql2-connection.ts'
import type { PgPoolLike } from '../executors/pg.ts'
import { pgConnection, showsPgSettings } from '../executors/pg-connection.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import {
  checkOptions,
  invalidOption,
  type PortableOptions,
  type PresenceOptions,
  type ResolvedTable,
} from '../options.ts'
import { systemClock } from '../system-clock.ts'
import { Listening } from './listening.ts'
import type { ClosableWakeSource } from './wake-source.ts'

/** How a store on Postgres hears of releases by other processes. */
export type Listen =
  | boolean
  | {
      /** A direct address of the same database, for apps whose pool goes through a pooler: `postgres://…`. */
      readonly connectionString: string
    }

/** What `listen` must look like. */
export const LISTEN_RULE = {
  rule: "true, false, or `{ connectionString: 'postgres://…' }`",
  isValid: isListen,
  isSecret: true,
}

/** The forms that `pg` reads. Whether it leads anywhere shows when it is used. */
const CONNECTION_STRING = /^(postgres(ql)?:\/\/|socket:|\/)./

function isListen(given: unknown): boolean {
  if (given === undefined || typeof given === 'boolean') return true
  if (typeof given !== 'object' || given === null) return false
  checkOptions('listen', given, ['connectionString'])
  const { connectionString } = given as { connectionString?: unknown }
  return typeof connectionString === 'string' && CONNECTION_STRING.test(connectionString)
}

/** What {@link connectionBesidePg} is made from. */
export interface PgSettings {
  readonly pool: PgPoolLike
  readonly listen: Listen | undefined
  /** As in `pgExecutor`. */
  readonly nameSuffix: string | null
}

/**
 * @returns `undefined`: the pool does not show how to connect
 * @throws LockError `E_INVALID_OPTION` when that is so, and listening is asked for
 */
export function connectionBesidePg({ pool, listen, nameSuffix }: PgSettings): HearingConnection | undefined {
  if (!showsPgSettings(pool)) {
    if (!listen) return undefined
    throw invalidOption('pool', 'a Pool of pg itself where `listen` is given, with its `Client` and `options`', pool)
  }
  const connectionString = typeof listen === 'object' ? listen.connectionString : undefined
  return pgConnection(pool, { connectionString, nameSuffix }, systemClock)
}

/**
 * Portable statements notify nobody.
 *
 * @throws LockError `E_INVALID_OPTION` when listening is asked for all the same
 */
export function listenUnless(isPortable: boolean | undefined, listen: Listen | undefined): Listen | undefined {
  if (!isPortable || listen === false) return listen
  if (listen === undefined) return false
  throw invalidOption(
    'listen',
    'left out where `portable` is true, since there is nothing to listen to',
    listen === true,
  )
}

/** @returns `undefined`: there is no connection to listen on, or it is not wanted */
export function listeningBeside(
  connection: OwnConnection | undefined,
  executor: SqlExecutor,
  { tableName }: ResolvedTable,
  listen: Listen = true,
): ClosableWakeSource | undefined {
  if (listen === false || !connection || !isHearing(connection)) return undefined
  return new Listening({ connection, executor, channel: tableName, clock: systemClock, chance: Math.random })
}

function isHearing(connection: OwnConnection): connection is HearingConnection {
  return 'hear' in connection
}

/**
 * The connection for a presence: another one beside the pool. `connect` makes it.
 *
 * @returns `null`: no presence is wanted
 * @throws LockError `E_INVALID_OPTION` where there can be none
 */
export function presenceBeside(
  { presence = false, portable = false }: PresenceOptions & PortableOptions,
  connect: () => HearingConnection | undefined,
): HearingConnection | null {
  if (!presence) return null
  if (portable) {
    const rule = 'left out where `portable` is true: a presence needs locks of sessions, which may be missing there'
    throw invalidOption('presence', rule, presence)
  }
  const connection = connect()
  if (connection) return connection
  throw invalidOption('presence', 'left out where the `pool` does not show how it connects, or none is given', presence)
}

/** @returns `undefined`: the pool does not show how to connect */
export function connectionBesideMysql2(pool: object): HearingConnection | undefined {
  return showsMysql2Settings(pool) ? mysql2Connection(pool, systemClock) : undefined
}
