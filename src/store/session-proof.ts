import type { Clock } from '../clock.ts'
import type { SessionHearing } from '../dialects/session-dialect.ts'
import { errors } from '../errors.ts'
import type { SqlExecutor } from '../executors/executor.ts'
import { ownOrPool } from '../executors/own-or-pool.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import { randomId } from '../random-id.ts'

/** What a {@link SessionProof} is made of. */
export interface SessionProofParts {
  readonly hearing: SessionHearing
  readonly executor: SqlExecutor
  readonly connect: () => HearingConnection
  readonly clock: Clock
}

/** How long a notification may be on its way after the statement that sent it was answered. */
const DELIVERY_MS = 3_000
/** After that, what has come in while the process was busy with something else has been read. */
const READ_MS = 100
const ANSWER_MS = 5_000

const POOLED =
  'the connection goes through a pooler that gives its sessions to many clients in turn (such as PgBouncer in transaction mode), so that a session lock ' +
  "would be everybody's; give the store a direct address, `listen: { connectionString: 'postgres://…' }`, or use leases: `createLock(key, ttl)`"

/**
 * Proves that a client has a session of the server to itself: while it is idle, it hears of what another client notifies. A pooler in
 * transaction mode takes the session away from a client that is idle, so that nobody can hear on its behalf.
 *
 * Process ids and settings prove less: a pooler with nothing else to do gives a client the same session again and again.
 */
export class SessionProof {
  readonly #parts: SessionProofParts
  /** Several at once, when a session has ended while it was being proven, and the next one is. */
  readonly #awaited = new Map<string, () => void>()

  constructor(parts: SessionProofParts) {
    this.#parts = parts
  }

  /**
   * Nothing else may be sent on the connection meanwhile: an answer would bring along what was notified.
   *
   * @param isOver whether the session has ended, which proves nothing: nobody could hear on it
   * @throws LockError `E_SESSION_POOLED`; whatever the driver throws, when there is no answer
   */
  async provide(connection: HearingConnection, openMs: number, isOver: () => boolean): Promise<void> {
    const first = await this.#listen(connection, openMs, isOver)
    // What came with an answer only: a pooler gave it the same session once more, or the network was silent for that long.
    const last = first === 'late' ? await this.#listen(connection, openMs, isOver) : first
    if (last !== 'heard') throw new errors.E_SESSION_POOLED(POOLED)
  }

  /** @returns when it heard of what another client notified: while it was idle, with its next answer, or not at all */
  async #listen(
    connection: HearingConnection,
    openMs: number,
    isOver: () => boolean,
  ): Promise<'heard' | 'late' | 'unheard'> {
    const { hearing, executor, clock } = this.#parts
    await connection.execute(hearing.listen, [], openMs)
    const other = this.#parts.connect()
    const { promise: heard, resolve } = Promise.withResolvers<void>()
    const id = randomId()
    let isLate = false
    this.#awaited.set(id, () => {
      isLate = true
      resolve()
    })
    try {
      await ownOrPool(other, executor, clock).execute(hearing.notify, [hearing.channel, id], openMs)
      if (await this.#isHeard(heard)) return 'heard'
      // On a session that has ended it would open another one.
      if (!isOver()) await connection.execute(hearing.unlisten, [], ANSWER_MS)
    } finally {
      this.#awaited.delete(id)
      void other.close()
    }
    if (isOver()) throw new Error('the session has ended while it was being proven')
    return isLate ? 'late' : 'unheard'
  }

  /** @returns whether it is for the proof */
  notified(channel: string, payload: string): boolean {
    if (channel !== this.#parts.hearing.channel) return true
    this.#awaited.get(payload)?.()
    // Those of other processes that are proving the same.
    return !/^-?\d+$/.test(payload)
  }

  async #isHeard(heard: Promise<void>): Promise<boolean> {
    const { clock } = this.#parts
    let cancel = () => {}
    const late = new Promise<boolean>((resolve) => {
      const read = () => {
        cancel = clock.after(READ_MS, () => resolve(false))
      }
      cancel = clock.after(DELIVERY_MS, read)
    })
    const isHeard = await Promise.race([heard.then(() => true), late])
    cancel()
    return isHeard
  }
}
