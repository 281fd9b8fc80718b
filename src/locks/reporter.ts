import { isLockError } from '../errors.ts'
import type { EventListeners } from './event-listeners.ts'
import type { EventTopics } from './event-topic.ts'
import type { FailedEvent, HoldEvent, LockEvents, LockKind } from './lock-events.ts'

/** What the reporter adds to every event about a key. */
type Added = 'kind' | 'isUncommitted'

/** The events about keys, with which an object of the reporter's is made. */
type KeyEventName = Exclude<keyof LockEvents, 'wakeup-degraded' | 'wakeup-restored'>

/** Tells what happens to the locks of one kind: of a factory, or of a transaction. */
export class Reporter {
  readonly listeners: EventListeners
  readonly topics: EventTopics
  readonly kind: LockKind
  /** Who holds what is granted, for people. */
  readonly heldBy: string
  readonly #isUncommitted: boolean

  constructor(listeners: EventListeners, heldBy: string, kind: LockKind, isUncommitted = false) {
    this.listeners = listeners
    this.topics = listeners.topics
    this.heldBy = heldBy
    this.kind = kind
    this.#isUncommitted = isUncommitted
  }

  /** The same for another kind of lock. */
  of(kind: LockKind, isUncommitted = false): Reporter {
    return new Reporter(this.listeners, this.heldBy, kind, isUncommitted)
  }

  /** Tells it. Ask `topics.….isHeard` before: if nobody hears, the event need not be made. */
  tell<Name extends KeyEventName>(name: Name, event: Omit<LockEvents[Name], Added>): void {
    this.topics[name].tell(this.#about(event))
  }

  /** The fencing token as people see it: a session lock has none. */
  tokenOf(token: number): number | null {
    return this.kind === 'session' ? null : token
  }

  /** Tells of a call that ended with an error of ours. */
  acquireFailed(key: string, waitMs: number, hasWaited: boolean, error: unknown): void {
    this.#failed({ action: 'acquire', key, holds: 0, waitMs, hasWaited }, error)
  }

  /** Tells of a hold that could not be extended or released. */
  holdFailed(action: 'extend' | 'release', key: string, error: unknown): void {
    this.#failed({ action, key, holds: 1, waitMs: null, hasWaited: false }, error)
  }

  /** The same of the statement that renews many holds: that is one event, however many. */
  renewalFailed(holds: readonly { readonly key: string }[], error: unknown): void {
    const key = holds.length === 1 ? (holds[0]?.key ?? null) : null
    this.#failed({ action: 'renew', key, holds: holds.length, waitMs: null, hasWaited: false }, error)
  }

  /** What people may know of a hold. */
  aboutHold({ key, token }: { readonly key: string; readonly token: number }): HoldEvent {
    return this.#about({ key, token: this.tokenOf(token) })
  }

  #about<Facts extends object>(facts: Facts): Facts & Pick<HoldEvent, Added> {
    return { ...facts, kind: this.kind, isUncommitted: this.#isUncommitted }
  }

  #failed(event: Omit<FailedEvent, Added | 'code' | 'error'>, error: unknown): void {
    if (this.topics.failed.isHeard && isLockError(error)) this.tell('failed', { ...event, code: error.code, error })
  }
}
