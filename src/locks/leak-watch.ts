import { quoted } from '../describe-value.ts'
import type { Logger } from '../logger.ts'
import type { HeldLease } from './held-lease.ts'
import { warn } from './warn.ts'

/** A place in the code of the caller, for a hold that is taken there. */
export interface LeakPlace {
  /** If the handle is collected as garbage before the hold is released, that is told. */
  watch(handle: object, held: HeldLease): void
}

/** What looking after leaks works with. */
export interface LeakParts {
  /** Also locks that were taken with `acquire()`, which must be cheap. */
  readonly isForAcquire: boolean
  /** Whether the hold is renewed. */
  readonly isKeptAlive: (held: HeldLease) => boolean
  readonly logger: Logger | undefined
}

interface Taken {
  readonly held: HeldLease
  readonly takenAt: string
}

/** The first line of a stack says what error it is of. */
const STACK_HEAD = /^.*\n/
/** The file, line and column of the first line: in a loop the rest may be another one from the second time on. */
const PLACE = /\S+:\d+:\d+/
/** A leak in a loop is one leak; code that leaks in more places than this has got its warning. */
const MOST_PLACES = 100

/**
 * Finds holds that are never released: nothing in the library knows a hold's handle, so that it is collected as garbage once the caller has
 * forgotten it. The hold itself goes on: it may be meant to last as long as the process does.
 */
export class LeakWatch {
  readonly #parts: LeakParts
  readonly #places = new Set<string>()
  readonly #registry = new FinalizationRegistry<Taken>((taken) => this.#collected(taken))

  constructor(parts: LeakParts) {
    this.#parts = parts
  }

  /** @param call the method that the caller has called: the trace begins above it */
  placeOfHold(call: unknown): LeakPlace {
    const trace: { stack?: string } = {}
    Error.captureStackTrace(trace, call as () => void)
    // Written out at once: until then a trace keeps the objects alive whose methods are in it, and so maybe the handle.
    const watch = (handle: object, held: HeldLease) => {
      this.#registry.register(handle, { held, takenAt: (trace.stack ?? '').replace(STACK_HEAD, '') })
    }
    return { watch }
  }

  /** The same for `acquire()`; `undefined`: nobody wants it. */
  placeOfAcquire(call: unknown): LeakPlace | undefined {
    return this.#parts.isForAcquire ? this.placeOfHold(call) : undefined
  }

  #collected({ held, takenAt }: Taken): void {
    if (held.state !== 'held' || held.isShared) return
    const isKeptAlive = this.#parts.isKeptAlive(held)
    held.tellLeak(takenAt, isKeptAlive)
    const [place = takenAt] = PLACE.exec(takenAt) ?? []
    if (this.#places.has(place) || this.#places.size >= MOST_PLACES) return
    this.#places.add(place)
    const { key } = held
    const until = isKeptAlive || held.ttlUs === null ? 'the process ends or the factory closes' : 'its TTL ends'
    warn(this.#parts.logger, {
      code: 'VERROU_LEAK',
      message: `the lock on ${quoted(key)} was never released, and its object is gone: it stays locked until ${until}; use \`await using\` or \`run\`, or release it in \`finally\``,
      detail: takenAt,
      facts: { key, takenAt },
    })
  }
}
