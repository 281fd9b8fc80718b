import { isLockError, type Lock } from '../../src/index.ts'
import { type HistoryWriter, sharedTime } from './history.ts'

/** How often a holder asks its lock whether it still holds. */
const LOOK_EVERY_MS = 25

/** How a holder tells whether it still holds. */
interface Holding {
  readonly lock: Lock
  readonly token: number
  readonly signal?: AbortSignal | undefined
}

/** The same for a session lock. */
interface SessionHolding {
  readonly key: string
  isHeld(): boolean
}

/** Writes down what one piece of work asks for and is told. */
export class Recorder {
  readonly #history: HistoryWriter
  readonly #op: string

  constructor(history: HistoryWriter, op: string) {
    this.#history = history
    this.#op = op
  }

  /** Of one of the things that the piece of work does at the same time. */
  part(number: number): Recorder {
    return new Recorder(this.#history, `${this.#op}.${number}`)
  }

  /** Before a call that may be granted. */
  asks(lock: Lock, waitMs: number): void {
    this.#history.write({ e: 'ask', op: this.#op, key: lock.key, owner: lock.getOwner(), waitMs })
  }

  /** Before a call for a lock until commit, which has no owner. */
  asksUntilCommit(key: string, waitMs: number): void {
    this.#history.write({ e: 'ask', op: this.#op, key, owner: null, waitMs })
  }

  /** @param tentative in a transaction that is not committed yet */
  granted(lock: Lock, token: number, tentative: boolean): void {
    // Before: this process may be paused between the two.
    const t = sharedTime()
    this.#granted(lock.key, token, lock.getRemainingTime(), tentative, t)
  }

  grantedUntilCommit(key: string, token: number): void {
    this.#granted(key, token, null, true, sharedTime())
  }

  #granted(key: string, token: number, leftMs: number | null, isTentative: boolean, t: number): void {
    const tentative = isTentative ? { tentative: true as const } : {}
    this.#history.write({ e: 'granted', op: this.#op, key, token, leftMs, ...tentative }, t)
  }

  refused(): void {
    this.#history.write({ e: 'refused', op: this.#op })
  }

  failed(error: unknown): void {
    this.#history.write({ e: 'failed', op: this.#op, code: codeOf(error), message: String(error).slice(0, 300) })
  }

  /** Takes a lock and writes it down. @returns its token; `undefined`: it was not granted */
  async acquire(
    lock: Lock,
    waitMs: number,
    acquire: () => Promise<boolean>,
    tentative = false,
  ): Promise<number | undefined> {
    this.asks(lock, waitMs)
    try {
      if (await acquire()) {
        const token = lock.fencingToken
        // What the lock says of itself while it is held: null would be a bug, which the check of usable grants finds.
        this.granted(lock, token ?? -1, tentative)
        return token ?? undefined
      }
      this.refused()
    } catch (error) {
      this.failed(error)
    }
    return undefined
  }

  /** Asks a held lock whether it still is. @returns what it says */
  looks({ lock, token, signal }: Holding): boolean {
    const t = sharedTime()
    const isHeld = !lock.isExpired() && signal?.aborted !== true
    if (isHeld) this.#history.write({ e: 'alive', key: lock.key, token, leftMs: lock.getRemainingTime() }, t)
    return isHeld
  }

  /** Works for so long, and looks all the time. @returns whether it is still held */
  async holds(holding: Holding, forMs: number): Promise<boolean> {
    const until = performance.now() + forMs
    for (;;) {
      if (!this.looks(holding)) {
        this.lost(holding, 'expired')
        return false
      }
      const leftMs = until - performance.now()
      if (leftMs <= 0) return true
      await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, LOOK_EVERY_MS)))
    }
  }

  lost({ lock, token }: Holding, code: string): void {
    this.#history.write({ e: 'lost', key: lock.key, token, code })
  }

  /** Before the release that ends `run`, or that the caller is about to send itself. */
  releases(key: string, token: number): void {
    this.#history.write({ e: 'release', key, token })
  }

  /** Releases by hand. */
  async release(lock: Lock, token: number): Promise<void> {
    this.releases(lock.key, token)
    let code = 'ok'
    try {
      await lock.release()
    } catch (error) {
      code = codeOf(error)
    }
    this.#history.write({ e: 'released', key: lock.key, token, code })
  }

  /** Before a call for a session lock, whose holds have no owner that anybody else sees. */
  asksSession(key: string, waitMs: number): void {
    this.#history.write({ e: 'ask', op: this.#op, key, owner: null, waitMs })
  }

  sessionGranted(key: string): void {
    this.#history.write({ e: 'session granted', op: this.#op, key })
  }

  /** Works under a session lock for so long, and looks all the time. @returns whether it is still held */
  async holdsSession({ key, isHeld }: SessionHolding, forMs: number): Promise<boolean> {
    const until = performance.now() + forMs
    for (;;) {
      const t = sharedTime()
      if (!isHeld()) {
        this.sessionLost(key, 'ended')
        return false
      }
      this.#history.write({ e: 'session alive', op: this.#op, key }, t)
      const leftMs = until - performance.now()
      if (leftMs <= 0) return true
      await new Promise((resolve) => setTimeout(resolve, Math.min(leftMs, LOOK_EVERY_MS)))
    }
  }

  sessionLost(key: string, code: string): void {
    this.#history.write({ e: 'session lost', op: this.#op, key, code })
  }

  sessionReleases(key: string): void {
    this.#history.write({ e: 'session release', op: this.#op, key })
  }

  sessionReleased(key: string, code: string): void {
    this.#history.write({ e: 'session released', op: this.#op, key, code })
  }

  forces(key: string): void {
    this.#history.write({ e: 'force', key })
  }

  writes(counter: string, value: number): void {
    this.#history.write({ e: 'writes', op: this.#op, counter, value })
  }

  commits(): void {
    this.#history.write({ e: 'commit', op: this.#op })
  }

  committed(): void {
    this.#history.write({ e: 'committed', op: this.#op })
  }

  rolledBack(error: unknown): void {
    this.#history.write({ e: 'rolled back', op: this.#op, code: codeOf(error) })
  }
}

/** What an error is called: the code of a LockError, else what the driver or the language calls it. */
export function codeOf(error: unknown): string {
  if (isLockError(error)) return error.code
  if (error instanceof Error)
    return `${error.name}:${String((error as { code?: unknown }).code ?? error.message.slice(0, 60))}`
  return String(error)
}
