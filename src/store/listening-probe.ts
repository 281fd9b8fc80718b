import type { Clock } from '../clock.ts'
import { randomId } from '../random-id.ts'

/** How long a notification may be on its way after the statement that sent it was answered. */
const DELIVERY_MS = 2_000

/** One notification to ourselves. */
interface Flight {
  readonly id: string
  readonly sentAtMs: number
  answeredAtMs: number | undefined
  hasArrived: boolean
  /** Sent for a session that is gone: it proves nothing. */
  isStale: boolean
}

/**
 * Notifies ourselves by way of the caller's connections, as a release does, and sees whether that arrives. (On our own connection, a pooler
 * would hand the notification back together with the answer, and hide that it delivers no others.)
 */
export class ListeningProbe {
  readonly #clock: Clock
  readonly #send: (id: string) => Promise<unknown>
  readonly #changed: () => void
  #flight: Flight | undefined
  #hasArrived = false

  constructor(clock: Clock, send: (id: string) => Promise<unknown>, changed: () => void) {
    this.#clock = clock
    this.#send = send
    this.#changed = changed
  }

  /** One is on its way. Never two: each takes a place in the queue of a pool that may be exhausted. */
  get isPending(): boolean {
    return this.#flight !== undefined
  }

  /** The last one that was sent has arrived. */
  get hasArrived(): boolean {
    return this.#hasArrived
  }

  /** It was sent, and did not arrive. */
  get isDeaf(): boolean {
    const flight = this.#flight
    if (!flight || flight.isStale || flight.hasArrived || flight.answeredAtMs === undefined) return false
    return this.#clock.nowMs() >= flight.answeredAtMs + DELIVERY_MS
  }

  /** How much longer to wait; 0: it has arrived, or nothing can be known at this moment. */
  leftMs(): number {
    const flight = this.#flight
    if (!flight || flight.isStale || flight.hasArrived) return 0
    return Math.max(0, (flight.answeredAtMs ?? flight.sentAtMs) + DELIVERY_MS - this.#clock.nowMs())
  }

  /** A session begins. */
  reset(): void {
    if (!this.#flight) return
    if (this.#flight.answeredAtMs === undefined) this.#flight.isStale = true
    else this.#flight = undefined
  }

  /** Sends one, if none is pending. */
  send(): void {
    if (this.#flight) return
    const flight: Flight = {
      id: randomId(),
      sentAtMs: this.#clock.nowMs(),
      answeredAtMs: undefined,
      hasArrived: false,
      isStale: false,
    }
    this.#flight = flight
    this.#hasArrived = false
    const over = () => {
      if (this.#flight === flight) this.#flight = undefined
    }
    const answered = () => {
      flight.answeredAtMs = this.#clock.nowMs()
      if (flight.isStale || flight.hasArrived) over()
      this.#changed()
    }
    // A statement that failed says nothing about hearing.
    const failed = () => {
      over()
      this.#changed()
    }
    this.#send(flight.id).then(answered, failed)
  }

  /** Whether the notification is ours. */
  notified(payload: string): boolean {
    const flight = this.#flight
    if (flight?.id !== payload) return false
    flight.hasArrived = true
    this.#hasArrived = !flight.isStale
    if (flight.answeredAtMs !== undefined) this.#flight = undefined
    this.#changed()
    return true
  }
}
