import type { HeldSession } from './held-session.ts'
import { releaseLease } from './lock-context.ts'
import { notOwnedError } from './lock-errors.ts'
import { releaseAfterWork } from './run-holding.ts'
import type { SessionContext } from './session-context.ts'

/**
 * One hold of a session lock, as its `hold()` returns it: released when it goes out of scope.
 *
 * @example
 * await using held = await verrou.createLock('import', { strategy: 'session' }).hold()
 */
export class SessionHold implements AsyncDisposable {
  readonly #context: SessionContext
  readonly #held: HeldSession

  /** @internal Holds come from `lock.hold()`. */
  constructor(context: SessionContext, held: HeldSession) {
    this.#context = context
    this.#held = held
  }

  /** The key that is held. */
  get key(): string {
    return this.#held.key
  }

  /** None: nothing that lasts counts the grants of a session lock. */
  get fencingToken(): null {
    return null
  }

  /** Aborts with `E_LOCK_LOST` when the session ends, and when the factory closes. */
  get signal(): AbortSignal {
    return this.#held.signal
  }

  /** Whether the session has ended, as far as this process knows. Local; asks nobody. */
  isExpired(): boolean {
    return this.#held.state !== 'released' && this.#held.isOver()
  }

  /**
   * Gives the lock back. Sends `sql/<dialect>/session-release.sql`, or `session-hand-over.sql`, if somebody in this process waits for the key.
   *
   * @throws LockError `E_LOCK_NOT_OWNED` when it was released before, or its session has ended; `E_LOCK_STORAGE_ERROR`
   */
  async release(): Promise<void> {
    const isHeld = this.#held.state === 'held'
    if (!isHeld || !(await releaseLease(this.#context, this.#held))) throw notOwnedError(this.key)
  }

  /**
   * Releases the hold if it was not released yet.
   *
   * @throws LockError `E_LOCK_LOST` when its session had ended before: what was done in its scope was not protected
   */
  async [Symbol.asyncDispose](): Promise<void> {
    if (this.#held.state === 'released') return
    const loss = await releaseAfterWork(this.#context, this.#held)
    if (loss) throw loss
  }
}
