import { LOCK_EVENT_NAMES } from '../lock-channels.ts'
import type { Logger } from '../logger.ts'
import { invalidOption } from '../options.ts'
import type { WakeSource } from '../store/wake-source.ts'
import { eventTopics, type Told } from './event-topic.ts'
import type { HoldEvent, LockEvents } from './lock-events.ts'
import { warn } from './warn.ts'

/** Calls the work, once and before it returns: what the work returns or throws goes past it. */
export type WorkWrapper = (hold: HoldEvent, work: () => void) => void

/** Who listens to one factory, and to the channels of the process. */
export class EventListeners {
  readonly #wakeSource: WakeSource | undefined
  readonly #logger: Logger | undefined
  readonly topics = eventTopics()
  #wrappers: readonly WorkWrapper[] = []

  constructor(wakeSource: WakeSource | undefined, logger: Logger | undefined) {
    this.#wakeSource = wakeSource
    this.#logger = logger
  }

  /** See `LockFactory.on`. @throws LockError `E_INVALID_OPTION` */
  on<Name extends keyof LockEvents>(name: Name, listener: (event: LockEvents[Name]) => unknown): () => void {
    if (!LOCK_EVENT_NAMES.includes(name)) throw invalidOption('event', `one of ${LOCK_EVENT_NAMES.join(', ')}`, name)
    if (typeof listener !== 'function') throw invalidOption('listener', 'a function', listener)
    const told = this.#harmless(name, listener as Told)
    // Told by the store itself, which remembers its trouble for those who come late.
    if (name === 'wakeup-degraded') return this.#wakeSource?.onTrouble(told) ?? (() => {})
    if (name === 'wakeup-restored') return this.#wakeSource?.onRecovery?.(told) ?? (() => {})
    return this.topics[name].add(told)
  }

  /** See `LockFactory.wrapWork`. @throws LockError `E_INVALID_OPTION` */
  wrapWork(wrapper: WorkWrapper): () => void {
    if (typeof wrapper !== 'function') throw invalidOption('wrapper', 'a function', wrapper)
    // Twice the same function is two wrappers.
    const added: WorkWrapper = (hold, work) => wrapper(hold, work)
    this.#wrappers = [...this.#wrappers, added]
    return () => {
      this.#wrappers = this.#wrappers.filter((one) => one !== added)
    }
  }

  get hasWrappers(): boolean {
    return this.#wrappers.length > 0
  }

  /** Does the work within all wrappers, the first of them outermost. What they do wrong does not change what becomes of it. */
  doWrapped<Result>(hold: HoldEvent, work: () => Result | Promise<Result>): Promise<Result> {
    const { promise, resolve } = Promise.withResolvers<Result>()
    const innermost = onlyOnce(() => resolve((async () => work())()))
    const outermost = this.#wrappers.reduceRight<() => void>((inner, wrapper) => {
      return onlyOnce(() => {
        try {
          wrapper(hold, inner)
        } catch (error) {
          this.#failed('a wrapper of work', error)
        }
        // It may have forgotten that.
        inner()
      })
    }, innermost)
    outermost()
    return promise
  }

  #harmless(name: string, listener: Told): Told {
    let hasFailed = false
    const failed = (error: unknown) => {
      if (!hasFailed) this.#failed(`a listener of '${name}'`, error)
      hasFailed = true
    }
    return (event) => {
      try {
        const answer: unknown = listener(event)
        if (isThenable(answer)) answer.then(undefined, failed)
      } catch (error) {
        failed(error)
      }
    }
  }

  #failed(who: string, error: unknown): void {
    warn(this.#logger, {
      code: 'VERROU_LISTENER_FAILED',
      message: `${who} has thrown; locks go on without it, and this is told once for each`,
      detail: error instanceof Error ? (error.stack ?? String(error)) : String(error),
      facts: { err: error },
    })
  }
}

function onlyOnce(call: () => void): () => void {
  let wasCalled = false
  return () => {
    if (wasCalled) return
    wasCalled = true
    call()
  }
}

function isThenable(value: unknown): value is PromiseLike<unknown> {
  return typeof value === 'object' && value !== null && 'then' in value && typeof value.then === 'function'
}
