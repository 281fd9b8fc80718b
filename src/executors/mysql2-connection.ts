import type { Clock } from '../clock.ts'
import { mysql2Answer } from './mysql2.ts'
import {
  type HearingConnection,
  ReopeningConnection,
  type Session,
  type SessionEvents,
} from './reopening-connection.ts'

/** The part of the callback pool of `mysql2` (3.9 and newer) that is used. */
interface Mysql2CorePool {
  readonly config: { readonly connectionConfig: object }
  getConnection(done: (error: unknown, connection: Mysql2CoreConnection) => void): void
  end(done: (error: unknown) => void): void
}

interface Mysql2CoreConnection {
  on(event: string, listener: (error?: unknown) => void): unknown
  execute(sql: string, values: unknown[], done: (error: unknown, result: unknown) => void): unknown
  destroy(): void
  readonly stream: { destroy(): unknown; unref?(): unknown }
}

type Mysql2PoolClass = new (options: { config: object }) => Mysql2CorePool

const CONNECT_MS = 10_000
const KEEP_ALIVE_IDLE_MS = 10_000

/** Whether the pool, of callbacks or of promises, shows what its connections are made of. */
export function showsMysql2Settings(pool: object): boolean {
  const { getConnection, config } = corePoolOf(pool)
  const settings = config?.connectionConfig as { stream?: unknown } | null | undefined
  if (typeof getConnection !== 'function' || typeof settings !== 'object' || settings === null) return false
  // One given stream is one connection, which the pool has.
  return !settings.stream || typeof settings.stream === 'function'
}

/**
 * A connection beside the pool, from a pool of one that is made as the caller's is: by its class, from a copy of its
 * settings. So it has the very driver, credentials, TLS and character set of the caller's, whose pool is not touched. (Importing
 * `mysql2` could find another copy of it, and its `createConnection` does not take settings that a pool has resolved.)
 *
 * @param pool one that {@link showsMysql2Settings}
 */
export function mysql2Connection(pool: object, clock: Clock): HearingConnection {
  return new ReopeningConnection((events) => openSession(corePoolOf(pool) as Mysql2CorePool, events), clock)
}

function corePoolOf(pool: object): Partial<Mysql2CorePool> {
  const core = 'config' in pool ? pool : (pool as { pool?: unknown }).pool
  return typeof core === 'object' && core !== null ? core : {}
}

/** A pool writes itself into its settings, and `changeUser` writes there, too: hence copies. */
function poolOfOne(core: Mysql2CorePool): Mysql2CorePool {
  const { config } = core
  const connectionConfig = copyOf(config.connectionConfig) as { connectTimeout?: number }
  Object.assign(connectionConfig, {
    connectTimeout: Math.min(connectionConfig.connectTimeout || CONNECT_MS, CONNECT_MS),
    enableKeepAlive: true,
    keepAliveInitialDelay: KEEP_ALIVE_IDLE_MS,
  })
  const limits = { connectionLimit: 1, maxIdle: 1, waitForConnections: true, queueLimit: 0, resetOnRelease: false }
  const PoolClass = core.constructor as Mysql2PoolClass
  return new PoolClass({ config: Object.assign(copyOf(config), limits, { connectionConfig }) })
}

/** With its class, and with what is hidden. */
function copyOf(object: object): object {
  return Object.create(Object.getPrototypeOf(object), Object.getOwnPropertyDescriptors(object))
}

function openSession(core: Mysql2CorePool, events: SessionEvents): Promise<Session> {
  return new Promise((resolve, reject) => {
    const pool = poolOfOne(core)
    pool.getConnection((error, connection) => {
      if (error) return reject(error)
      // Without a listener, an error of an idle connection would end the process.
      connection.on('error', events.lost)
      connection.on('end', () => events.lost(new Error('it was closed')))
      connection.stream.unref?.()
      resolve(sessionOn(pool, connection))
    })
  })
}

function sessionOn(pool: Mysql2CorePool, connection: Mysql2CoreConnection): Session {
  return {
    execute({ sql }, values) {
      return new Promise((resolve, reject) => {
        connection.execute(sql, [...values], (error, result) => {
          if (error) reject(error)
          else resolve(mysql2Answer(result))
        })
      })
    },
    end: () => new Promise((resolve) => pool.end(resolve)),
    destroy() {
      connection.destroy()
      // The driver says goodbye and waits, on a network that may have gone.
      connection.stream.destroy()
    },
  }
}
