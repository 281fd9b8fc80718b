import { randomBytes } from 'node:crypto'
import { jittered } from '../backoff.ts'
import type { Chance, Clock } from '../clock.ts'
import type { PresenceDialect, SeenPresence } from '../dialects/dialect.ts'
import { errors } from '../errors.ts'
import type { OwnConnection, SqlExecutor } from '../executors/executor.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import { StoreTrouble } from '../store-trouble.ts'
import type { SendStatement } from './after-look.ts'
import type { Presence, PresenceSource } from './lock-store.ts'
import { OwnPresence } from './own-presence.ts'
import { takeAlone } from './presence-proof.ts'
import type { SqlStore } from './sql-store.ts'

/** What a {@link PresenceKeeper} is made of. */
export interface PresenceParts {
  readonly store: Pick<SqlStore, 'say'>
  /** The session that stands for the process. Nothing else is sent on it. */
  readonly connection: HearingConnection
  /** The store's other own connection: to the same address. */
  readonly beside: OwnConnection
  readonly clock: Clock
  readonly chance: Chance
}

/** Opening is half of it. */
const BECOME_MS = 20_000
/**
 * The session is looked after this often, with this much time for the answer: long before a server gives up a connection whose network has gone, so that we
 * know of it first. A process that is paused loses nothing by it: the answer is only late if it was asked for before.
 */
const HEARTBEAT_MS = 5_000
const ANSWER_MS = 10_000
/** What was tried under an earlier presence than these has been given back, or is anybody's who looks at presences. */
const MOST_EARLIER = 3

/**
 * Keeps this process present at the database, from the first time that it is asked for: by a session that has the lock of a random name. When the
 * session is lost, so is the presence, for good; the next one has another name.
 *
 * A lease may name a presence only after its lock is confirmed. So whoever finds that lock free knows that the presence is gone.
 */
export class PresenceKeeper implements PresenceSource {
  readonly #parts: PresenceParts
  readonly #listeners = new Set<(gone: Presence) => void>()
  #present: OwnPresence | undefined
  #earlier: OwnPresence[] = []
  #becoming: Promise<OwnPresence> | undefined
  #stopHearing = () => {}
  #cancelBeat = () => {}

  constructor(parts: PresenceParts) {
    this.#parts = parts
  }

  /** The one that is there at this moment. */
  get current(): OwnPresence | undefined {
    return this.#present
  }

  /** Those that a lease of this process may name, as far as anybody still has to know. */
  get known(): readonly OwnPresence[] {
    return this.#present ? [this.#present, ...this.#earlier] : this.#earlier
  }

  /** Somebody has leases that end with the presence. */
  get isInUse(): boolean {
    return this.#listeners.size > 0
  }

  onGone(listener: (gone: Presence) => void): () => void {
    const told = (gone: Presence) => listener(gone)
    this.#listeners.add(told)
    return () => this.#listeners.delete(told)
  }

  /**
   * Becomes present, if it is not.
   *
   * @throws LockError `E_SESSION_POOLED`, `E_UNSUPPORTED`; StoreTrouble when there is no session to be had
   */
  async present(): Promise<OwnPresence> {
    if (this.#present) return this.#present
    if (!this.#becoming) {
      // Somebody waits for it, and its connection keeps no process alive.
      const stay = this.#parts.clock.after(BECOME_MS * 5, () => {}, true)
      this.#becoming = this.#become().finally(() => {
        stay()
        this.#becoming = undefined
      })
    }
    return this.#becoming
  }

  async close(): Promise<void> {
    await this.#becoming?.catch(() => {})
    if (this.#present) this.#lose(this.#present)
    await this.#parts.connection.close()
  }

  async #become(): Promise<OwnPresence> {
    const { connection } = this.#parts
    const name = randomBytes(8).toString('hex')
    let presence: OwnPresence | undefined
    let loss: StoreTrouble | undefined
    const stopHearing = connection.hear({
      notified() {},
      lost: (cause) => {
        loss = new StoreTrouble('unreachable', cause)
        if (presence) this.#lose(presence)
      },
    })
    try {
      // A lost session shows as another one.
      const unlessLost = <Answer>(answer: Answer): Answer => {
        if (loss) throw loss
        return answer
      }
      const { session, server } = await takeAlone({
        see: async (by) => unlessLost(await this.#see(by, name)),
        take: async () => unlessLost(await this.#take(name)),
      })
      presence = new OwnPresence(server, name)
      this.#present = presence
      this.#stopHearing = stopHearing
      // Only where it is known that the session is ours alone; not every server can do it.
      this.#saying('own', ({ statements }, send) => send(statements.keepPresence, {})).catch(() => {})
      this.#beat(presence, session, name)
      return presence
    } catch (error) {
      stopHearing()
      // The lock goes with the session.
      connection.close().catch(() => {})
      throw asUnsent(loss ?? error)
    }
  }

  async #take(name: string): Promise<string> {
    const { isTaken, session } = await this.#saying('own', async ({ statements, readTake }, send) =>
      readTake(await send(statements.takePresence, { presence: name })),
    )
    // Chance, once in 2^64; or somebody else's lock of that number.
    if (!isTaken) throw new StoreTrouble('transient', new Error('the name of the presence is taken'))
    return session
  }

  #see(by: 'own' | 'beside' | 'caller', name: string): Promise<SeenPresence> {
    return this.#saying(by, async ({ statements, readSee }, send) =>
      readSee(await send(statements.seePresence, { presence: name })),
    )
  }

  /** An error of the statement proves nothing; that the session is another one, or has not got the lock, does. */
  #beat(presence: OwnPresence, session: string, name: string): void {
    const { clock, chance } = this.#parts
    const look = async () => {
      const seen = await this.#see('own', name).catch(() => undefined)
      if (presence.isGone) return
      if (seen && (seen.session !== session || seen.holder !== session)) this.#lose(presence)
      else this.#beat(presence, session, name)
    }
    this.#cancelBeat = clock.after(jittered(HEARTBEAT_MS, chance), () => void look(), false)
  }

  #lose(presence: OwnPresence): void {
    if (presence.isGone) return
    presence.end()
    this.#present = undefined
    this.#earlier = [presence, ...this.#earlier].slice(0, MOST_EARLIER)
    this.#cancelBeat()
    this.#stopHearing()
    for (const told of [...this.#listeners]) told(presence)
    // It is gone for everybody, also if it was given up while its session was well.
    this.#parts.connection.close().catch(() => {})
  }

  #saying<Said>(
    by: 'own' | 'beside' | 'caller',
    speak: (words: PresenceDialect, send: SendStatement) => Promise<Said>,
  ): Promise<Said> {
    const { store, connection, beside } = this.#parts
    const own: SqlExecutor = {
      execute: (wording, values) =>
        (by === 'own' ? connection : beside).execute(wording, values, this.#present ? ANSWER_MS : BECOME_MS),
    }
    return store.say(
      ({ presence }, send) => {
        if (presence) return speak(presence, send)
        throw new errors.E_UNSUPPORTED(
          'a presence needs the locks of sessions of Postgres, MySQL or MariaDB; leave `presence` out',
        )
      },
      by === 'caller' ? undefined : own,
    )
  }
}

/** Whatever became of the presence: nothing of the try has been sent. */
function asUnsent(error: unknown): unknown {
  return error instanceof StoreTrouble && error.mayHaveHappened ? new StoreTrouble('unreachable', error.cause) : error
}
