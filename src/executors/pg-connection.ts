import type { Clock } from '../clock.ts'
import type { Answer } from '../statement.ts'
import type { Wording } from './executor.ts'
import { type PgPoolLike, pgExecutor } from './pg.ts'
import {
  type HearingConnection,
  ReopeningConnection,
  type Session,
  type SessionEvents,
} from './reopening-connection.ts'

/** The part of a client of `pg` that is used. */
interface PgClientLike extends Pick<PgPoolLike, 'query'> {
  connect(): Promise<unknown>
  end(): Promise<unknown>
  on(event: string, listener: (given: never) => void): unknown
  unref?(): void
  /** Missing: the client is made of native code, and cannot be torn down. */
  readonly connection?: { readonly stream: { destroy(): unknown } }
}

type PgClientClass = new (options: object) => PgClientLike

/** How a {@link pgConnection} differs from the pool's. */
export interface PgConnectionSettings {
  /** Where it goes, if not where the pool goes. */
  readonly connectionString: string | undefined
  /** As in `pgExecutor`. */
  readonly nameSuffix: string | null
}

const CONNECT_MS = 10_000
const KEEP_ALIVE_IDLE_MS = 10_000
/** admin_shutdown, crash_shutdown, cannot_connect_now, database_dropped, idle_session_timeout */
const SESSION_ENDED = /^57P0\d$/
const APPLICATION_NAME = 'verrou-sql'

/** Names of an address: the pool's say nothing of another one. */
const ADDRESS = ['connectionString', 'host', 'port', 'user', 'password', 'database']

/** Whether the pool shows what its connections are made of. (One given stream is one connection, which the pool has.) */
export function showsPgSettings({ Client, options }: PgPoolLike): boolean {
  if (typeof Client !== 'function' || typeof options !== 'object' || options === null) return false
  return !('stream' in options) || !options.stream || typeof options.stream === 'function'
}

/**
 * A connection beside the pool, made as the pool makes its own: by its class, from its options. Nothing is added to the
 * pool, and nothing is heard of it; so what an app does on `pool.on('connect')` is not done here (the option `onConnect` of
 * the pool is).
 *
 * @param pool one that {@link showsPgSettings}
 */
export function pgConnection(pool: PgPoolLike, settings: PgConnectionSettings, clock: Clock): HearingConnection {
  const { Client, options = {} } = pool
  const open = (events: SessionEvents) =>
    openSession(Client as PgClientClass, clientOptions(options, settings), { ...events, clock, ...settings })
  return new ReopeningConnection(open, clock)
}

/** A copy, with what is hidden in the original (the password) hidden in the copy. */
function clientOptions(options: object, { connectionString }: PgConnectionSettings): object {
  const copy: Record<string, unknown> = Object.defineProperties({}, Object.getOwnPropertyDescriptors(options))
  if (connectionString !== undefined) {
    for (const name of ADDRESS) delete copy[name]
    copy.connectionString = connectionString
  }
  const own = copy.application_name
  return Object.assign(copy, {
    application_name: typeof own === 'string' && own !== '' ? `${own} (${APPLICATION_NAME})` : APPLICATION_NAME,
    keepAlive: true,
    keepAliveInitialDelayMillis: KEEP_ALIVE_IDLE_MS,
    // A bound of the driver's would leave the connection behind in an unknown state; we have our own.
    query_timeout: 0,
  })
}

interface Opening extends SessionEvents {
  readonly clock: Clock
  readonly nameSuffix: string | null
}

async function openSession(Client: PgClientClass, options: object, opening: Opening): Promise<Session> {
  const { lost, notified, clock, nameSuffix } = opening
  const client = newClient(Client, options)
  const { connection } = client
  if (!connection) throw new Error('only the JavaScript client of pg can be used beside the pool')
  // Without a listener, an error of an idle connection would end the process.
  client.on('error', lost)
  client.on('end', () => lost(new Error('it was closed')))
  client.on('notification', ({ channel, payload }: { channel: string; payload?: string }) => {
    notified(channel, payload ?? '')
  })

  let isLate = false
  const giveUp = () => {
    isLate = true
    connection.stream.destroy()
  }
  const cancel = clock.after(CONNECT_MS, giveUp, false)
  try {
    const connected = client.connect()
    client.unref?.()
    await connected
    await (options as { onConnect?(client: PgClientLike): unknown }).onConnect?.(client)
  } catch (error) {
    connection.stream.destroy()
    throw isLate ? new Error(`no answer within ${CONNECT_MS} ms`) : error
  } finally {
    cancel()
  }
  // Again: with TLS, the socket is another one by now.
  client.unref?.()
  return sessionOn(client, nameSuffix, lost)
}

/** What the driver says of settings that it cannot read may contain them, with the password. */
function newClient(Client: PgClientClass, options: object): PgClientLike {
  try {
    return new Client(options)
  } catch {
    throw new Error('pg does not accept the connection settings')
  }
}

function sessionOn(client: PgClientLike, nameSuffix: string | null, lost: (cause: unknown) => void): Session {
  const executor = pgExecutor(client, nameSuffix)
  let before: Promise<unknown> = Promise.resolve()
  return {
    // In turn: pg 8 warns of a queue of its own, and pg 9 will have none.
    execute(wording: Wording, values: readonly unknown[]): Promise<Answer> {
      const answer = before.then(() => executor.execute(wording, values))
      before = answer.catch((error) => {
        // The server says so a moment before it closes.
        if (SESSION_ENDED.test(error.code)) lost(error)
      })
      return answer
    },
    end: () => client.end(),
    destroy: () => void client.connection?.stream.destroy(),
  }
}
