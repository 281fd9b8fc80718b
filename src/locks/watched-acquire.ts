import type { AbortSource } from '../engine/abort-source.ts'
import { acquire, type Trying } from '../engine/acquire.ts'
import type { Grant } from '../engine/grant.ts'
import { isLockError } from '../errors.ts'
import type { ResolvedRetry } from '../options.ts'
import type { LeaseRequest } from '../store/lock-store.ts'
import type { RefusedEvent } from './lock-events.ts'
import type { Reporter } from './reporter.ts'

/** Calls {@link acquire}, and tells what becomes of it. Costs next to nothing while nobody listens. */
export function watchedAcquire(
  engine: Trying,
  request: LeaseRequest,
  retry: ResolvedRetry,
  reporter: Reporter,
  closing: AbortSource,
  signal: AbortSource | undefined,
): Promise<Grant | null> {
  const { acquired, refused, failed, waiting } = reporter.topics
  const isWatched = acquired.isHeard || refused.isHeard || failed.isHeard || waiting.isHeard
  if (!isWatched) return acquire(engine, request, retry, closing, signal)
  return new WatchedCall(engine, request, retry, reporter).acquire([closing, signal])
}

/** One call of acquire, as those see it who look on. */
class WatchedCall {
  readonly #engine: Trying
  readonly #request: LeaseRequest
  readonly #retry: ResolvedRetry
  readonly #reporter: Reporter
  readonly #beganAtMs: number
  #tries = 0
  #isWaiting = false

  constructor(engine: Trying, request: LeaseRequest, retry: ResolvedRetry, reporter: Reporter) {
    this.#engine = { ...engine, watch: this }
    this.#request = request
    this.#retry = retry
    this.#reporter = reporter
    this.#beganAtMs = engine.timing.clock.nowMs()
  }

  asks(): void {
    this.#tries++
  }

  waits(): void {
    if (this.#isWaiting) return
    this.#isWaiting = true
    const { key, waitMs, tries } = this.#call()
    this.#reporter.tell('waiting', { key, waitMs, tries })
  }

  async acquire(signals: readonly (AbortSource | undefined)[]): Promise<Grant | null> {
    let grant: Grant | null
    try {
      grant = await acquire(this.#engine, this.#request, this.#retry, ...signals)
    } catch (error) {
      this.#ended(error, signals)
      throw error
    }
    if (grant) this.#granted(grant)
    else this.#refused(this.#isOutOfTime() ? 'timeout' : 'held')
    return grant
  }

  #ended(error: unknown, signals: readonly (AbortSource | undefined)[]): void {
    const { key } = this.#request
    // The reason of a signal may be anything, also an error of ours: of another lock that was lost.
    const isAborted = signals.some((signal) => signal?.aborted && signal.reason === error)
    if (!isAborted) this.#reporter.acquireFailed(key, this.#waitMs(), this.#isWaiting, error)
    else this.#refused(isLockError(error, 'E_CLOSED') ? 'closed' : 'aborted')
  }

  #granted({ token }: Grant): void {
    const reporter = this.#reporter
    const { ttlUs } = this.#request
    reporter.tell('acquired', {
      ...this.#call(),
      token: reporter.tokenOf(token),
      ttlMs: ttlUs === null ? null : ttlUs / 1000,
      heldBy: reporter.heldBy,
    })
  }

  #refused(why: RefusedEvent['why']): void {
    this.#reporter.tell('refused', { ...this.#call(), why })
  }

  #isOutOfTime(): boolean {
    return this.#retry.timeoutMs > 0 && this.#waitMs() >= this.#retry.timeoutMs
  }

  #call() {
    return { key: this.#request.key, waitMs: this.#waitMs(), tries: this.#tries, hasWaited: this.#isWaiting }
  }

  #waitMs(): number {
    return this.#engine.timing.clock.nowMs() - this.#beganAtMs
  }
}
