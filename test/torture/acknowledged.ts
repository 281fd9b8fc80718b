import { type Evidence, holdName, type Span } from './evidence.ts'
import type { HistoryEvent } from './history.ts'

type EventOf<Name extends HistoryEvent['e']> = Extract<HistoryEvent, { readonly e: Name }>

/** What a call for a lock is told. */
type Answer = 'granted' | 'session granted' | 'refused' | 'failed'

/** The histories, looked up by hold, key and operation. Made once for all checks. */
export class Acknowledged {
  readonly #releases = new Map<string, number>()
  readonly #forces = new Map<string, number[]>()
  readonly #lostPresences = new Map<string, number[]>()
  readonly #grants = new Map<string, EventOf<'granted'>>()
  /** When the commit of an operation was acknowledged. */
  readonly committed = new Map<string, number>()
  /** By operation. One that died has none. */
  readonly answers = new Map<string, EventOf<Answer>>()
  readonly asks = new Map<string, EventOf<'ask'>>()
  /** When each process stood still. */
  readonly stalls = new Map<string, EventOf<'stalled'>[]>()
  /** The last that was heard of a process. */
  readonly lastWords = new Map<string, HistoryEvent>()

  private constructor() {}

  static #known = new WeakMap<readonly HistoryEvent[], Acknowledged>()

  static of({ history }: Evidence): Acknowledged {
    let known = Acknowledged.#known.get(history)
    if (known === undefined) {
      known = new Acknowledged()
      for (const event of history) known.#add(event)
      Acknowledged.#known.set(history, known)
    }
    return known
  }

  /** When its release was asked for, first; `undefined`: never. */
  releaseOf(key: string, token: number | null): number | undefined {
    return this.#releases.get(holdName(key, token))
  }

  /** Whether somebody was about to force this key open at some time in this span. */
  wasForced(key: string, from: number, until: number): boolean {
    return this.#forces.get(key)?.some((t) => t >= from && t <= until) ?? false
  }

  /** The answer that told somebody of this hold; `undefined`: nobody was told. */
  grantOf(key: string, token: number | null): EventOf<'granted'> | undefined {
    return this.#grants.get(holdName(key, token))
  }

  /** Whether work was done under it: told to somebody, and, in a transaction, committed. */
  isHold(key: string, token: number | null): boolean {
    const grant = this.grantOf(key, token)
    return grant !== undefined && (grant.tentative !== true || this.committed.has(grant.op))
  }

  /** Whether the leases of this process end with it. */
  isPresent(process: string): boolean {
    return this.#lostPresences.has(process)
  }

  /** When the process was told in this span, first, that its presence is gone; `undefined`: it was not. */
  lostPresence(process: string, { from, until }: Span): number | undefined {
    return this.#lostPresences.get(process)?.find((t) => t >= from && t <= until)
  }

  #add(event: HistoryEvent): void {
    this.lastWords.set(event.process, event)
    switch (event.e) {
      case 'ask':
        this.asks.set(event.op, event)
        break
      case 'granted':
        this.#answered(event)
        this.#grants.set(holdName(event.key, event.token), event)
        break
      case 'session granted':
      case 'refused':
      case 'failed':
        this.#answered(event)
        break
      case 'release': {
        const name = holdName(event.key, event.token)
        if (!this.#releases.has(name)) this.#releases.set(name, event.t)
        break
      }
      case 'force': {
        const forces = this.#forces.get(event.key) ?? []
        forces.push(event.t)
        this.#forces.set(event.key, forces)
        break
      }
      case 'stalled': {
        const stalls = this.stalls.get(event.process) ?? []
        this.stalls.set(event.process, stalls)
        stalls.push(event)
        break
      }
      case 'began':
        if (event.isPresent) this.#lostPresences.set(event.process, [])
        break
      case 'presence gone':
        this.#lostPresences.get(event.process)?.push(event.t)
        break
      case 'committed':
        this.committed.set(event.op, event.t)
        break
    }
  }

  /** The first one counts: after a grant, `run` can still say that the lease was lost. */
  #answered(event: EventOf<Answer>): void {
    if (!this.answers.has(event.op)) this.answers.set(event.op, event)
  }
}
