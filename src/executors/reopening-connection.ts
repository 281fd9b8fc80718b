import type { Clock } from '../clock.ts'
import type { Answer } from '../statement.ts'
import type { OwnConnection, SqlExecutor, Wording } from './executor.ts'
import { NeverConnected } from './never-connected.ts'

/** One open connection, as a driver has it. */
export interface Session extends SqlExecutor {
  /** Says goodbye to the server; nothing is in flight. */
  end(): Promise<unknown>
  /** Closes the socket at once, without a word. */
  destroy(): void
}

/** What happens to a session while it is open. */
export interface SessionEvents {
  /** It can be used no more. */
  lost(cause: unknown): void
  /** Postgres: somebody has notified a channel that it listens to. */
  notified(channel: string, payload: string): void
}

/** Opens a session, within a bound of its own. */
export type OpenSession = (events: SessionEvents) => Promise<Session>

/** Who listens on a connection. */
export interface Hearer {
  notified(channel: string, payload: string): void
  /** The session that was listened on is gone, and with it what it was subscribed to. */
  lost(cause: unknown): void
}

/** A connection of the store's own that can hear of notifications. */
export interface HearingConnection extends OwnConnection {
  /** A session is open at this moment. */
  readonly isOpen: boolean
  /**
   * Tells of notifications, and keeps the session open though nothing is sent. Opens nothing by itself: sending does.
   *
   * @returns ends it
   */
  hear(hearer: Hearer): () => void
}

/** Not in use for so long, it is closed. */
const IDLE_MS = 60_000
/** How long a close waits for what is in flight, and for the server's goodbye. */
const CLOSE_MS = 1_000

/** One session, from being opened to its end. */
interface Line {
  readonly opened: Promise<Session>
  session: Session | undefined
  /** It was lost before anybody could use it. */
  earlyLoss: Error | undefined
  /** How to fail each statement that has no answer yet. */
  readonly inFlight: Set<(error: Error) => void>
}

/**
 * A connection that is opened when something is to be sent, shared by all who send, given up when an answer is late, and
 * opened again for the next statement. Nothing it does keeps a process alive, but for {@link close}.
 */
export class ReopeningConnection implements HearingConnection {
  readonly #openSession: OpenSession
  readonly #clock: Clock
  readonly #hearers = new Set<Hearer>()
  #line: Line | undefined
  #cancelIdle = () => {}
  /** Told when nothing is in flight any more. */
  #idle = () => {}
  #isClosing = false
  /** The goodbye that is being said, or was said last. */
  #ending: Promise<void> = Promise.resolve()

  constructor(openSession: OpenSession, clock: Clock) {
    this.#openSession = openSession
    this.#clock = clock
  }

  get isOpen(): boolean {
    return this.#line?.session !== undefined
  }

  hear(hearer: Hearer): () => void {
    this.#hearers.add(hearer)
    return () => {
      if (this.#hearers.delete(hearer)) this.#settled()
    }
  }

  /** Half of the time is for the opening: whoever has another way to send needs the rest for that. */
  execute(wording: Wording, values: readonly unknown[], withinMs: number): Promise<Answer> {
    const line = this.#line ?? this.#open()
    this.#isClosing = false
    this.#cancelIdle()
    return new Promise<Answer>((resolve, reject) => {
      let cancel = () => {}
      const settle = () => {
        cancel()
        if (line.inFlight.delete(fail)) this.#settled()
      }
      const fail = (error: unknown) => {
        settle()
        reject(error)
      }
      line.inFlight.add(fail)
      const endMs = this.#clock.nowMs() + withinMs
      const send = async (session: Session) => {
        // Its caller has gone.
        if (!line.inFlight.has(fail)) return
        cancel()
        cancel = this.#after(endMs - this.#clock.nowMs(), () => this.#giveUp(line, unanswered(withinMs)))
        const answer = await session.execute(wording, values)
        settle()
        resolve(answer)
      }
      if (!line.session) cancel = this.#after(withinMs / 2, () => fail(notYetConnected(withinMs / 2)))
      line.opened.then(send).catch(fail)
    })
  }

  /** Not while somebody hears on it. Waits a moment for what is in flight; what lasts longer is closed when it is through. */
  async close(): Promise<void> {
    if (this.#hearers.size > 0) return
    this.#isClosing = true
    const line = this.#line
    if (line?.session && line.inFlight.size > 0) {
      const others = this.#idle
      const idle = new Promise<void>((resolve) => {
        this.#idle = () => {
          others()
          resolve()
        }
      })
      await this.#bounded(idle)
    } else this.#settled()
    await this.#ending
  }

  #open(): Line {
    const events: SessionEvents = {
      lost: (cause) => {
        if (line.session) this.#giveUp(line, lostError(cause))
        else line.earlyLoss ??= lostError(cause)
      },
      notified: (channel, payload) => {
        if (this.#line === line) for (const hearer of [...this.#hearers]) hearer.notified(channel, payload)
      },
    }
    const line: Line = {
      opened: this.#openSession(events),
      session: undefined,
      earlyLoss: undefined,
      inFlight: new Set(),
    }
    this.#line = line
    line.opened.then(
      (session) => {
        line.session = session
        if (line.earlyLoss) this.#giveUp(line, line.earlyLoss)
        else this.#settled()
      },
      (cause) => {
        if (this.#line === line) this.#line = undefined
        for (const fail of [...line.inFlight]) fail(new NeverConnected(cause))
      },
    )
    return line
  }

  /** Every statement without an answer has the same fate: nobody knows whether it was carried out. */
  #giveUp(line: Line, error: Error): void {
    if (this.#line !== line) return
    this.#line = undefined
    this.#cancelIdle()
    line.session?.destroy()
    for (const fail of [...line.inFlight]) fail(error)
    for (const hearer of [...this.#hearers]) hearer.lost(error)
  }

  /** Something has ended: perhaps nobody uses the session any more. */
  #settled(): void {
    const line = this.#line
    if (!line?.session || line.inFlight.size > 0) return
    const { session } = line
    this.#idle()
    this.#idle = () => {}
    this.#cancelIdle()
    if (this.#hearers.size > 0) return
    const end = () => {
      this.#line = undefined
      this.#ending = this.#bounded(session.end().catch(() => {})).then(() => session.destroy())
    }
    if (this.#isClosing) end()
    else this.#cancelIdle = this.#after(IDLE_MS, end)
  }

  /** Keeps the process alive: whoever waits for a close as the last thing is to hear of it. */
  async #bounded(work: Promise<unknown>): Promise<void> {
    let cancel = () => {}
    const late = new Promise<void>((resolve) => {
      cancel = this.#clock.after(CLOSE_MS, resolve)
    })
    await Promise.race([work, late])
    cancel()
  }

  #after(delayMs: number, wake: () => void): () => void {
    return this.#clock.after(delayMs, wake, false)
  }
}

/** The codes are those of Node.js that dialects know. */
function unanswered(withinMs: number): Error {
  return Object.assign(new Error(`no answer within ${Math.round(withinMs)} ms`), { code: 'ETIMEDOUT' })
}

function lostError(cause: unknown): Error {
  const text = cause instanceof Error ? cause.message : String(cause)
  return Object.assign(new Error(`the connection was lost: ${text}`, { cause }), { code: 'ECONNRESET' })
}

function notYetConnected(withinMs: number): Error {
  return new NeverConnected(new Error(`not connected within ${Math.round(withinMs)} ms`))
}
