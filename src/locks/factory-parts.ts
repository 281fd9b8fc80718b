import { hostname } from 'node:os'
import type { Timing } from '../engine/ask.ts'
import { Closing } from '../engine/closing.ts'
import { DatabaseClock } from '../engine/database-clock.ts'
import { BackgroundGiveBack } from '../engine/give-back.ts'
import { handingOver } from '../engine/hand-over.ts'
import { KeepAlive } from '../engine/keep-alive.ts'
import { SharedSignals } from '../engine/shared-signals.ts'
import { WaitLines } from '../engine/wait-lines.ts'
import type { Logger } from '../logger.ts'
import {
  BOOLEAN_RULE,
  checkLabel,
  checkOptions,
  invalidOption,
  type LockFactoryOptions,
  resolveKeeping,
  resolveRetry,
} from '../options.ts'
import { randomIds } from '../random-id.ts'
import type { LockStore } from '../store/lock-store.ts'
import { systemClock } from '../system-clock.ts'
import { EventListeners } from './event-listeners.ts'
import { HoldRegistry } from './hold-registry.ts'
import { LeakWatch } from './leak-watch.ts'
import { type LockContext, loseWithPresence } from './lock-context.ts'
import { logEvents, resolveLogger } from './log-events.ts'
import { numberedIds } from './numbered-ids.ts'
import { Reporter } from './reporter.ts'

/** The options of a factory, and of `Verrou` for all of its own. */
export const FACTORY_OPTIONS = ['retry', 'label', 'keepAlive', 'maxHold', 'logger', 'leakWarnings']

/** What a factory is made of. */
export interface FactoryParts {
  readonly context: LockContext
  readonly keepAlive: KeepAlive
  readonly giveBack: BackgroundGiveBack
  readonly closing: Closing
  readonly listeners: EventListeners
  endLogging(): void
}

/** Joins a store to the engine, as the options say. Opens nothing and sends nothing. @throws LockError `E_INVALID_OPTION` */
export function factoryParts(store: LockStore, options: LockFactoryOptions): FactoryParts {
  checkOptions('options', options, FACTORY_OPTIONS)
  const retry = resolveRetry(options.retry)
  const timing: Timing = { clock: systemClock, chance: Math.random }
  const giveBack = new BackgroundGiveBack(store, timing, (key) => lines.freed(key))
  const lines = new WaitLines({ store, timing, giveBack })
  const heldBy = checkLabel(options.label) ?? `${hostname()}:${process.pid}`
  const logger = resolveLogger(options.logger)
  const listeners = new EventListeners(store.wakeSource, logger)
  const reporter = new Reporter(listeners, heldBy, 'lease')
  const closing = new Closing()
  const keepAlive = new KeepAlive({
    ...{ store, timing, lost: (key) => lines.freed(key) },
    failed: (holds, error) => reporter.renewalFailed(holds, error),
  })
  const context: LockContext = {
    engine: { store, timing, waiting: lines, giveBack, handingOver: handingOver({ store, timing, giveBack, lines }) },
    rootStore: store,
    keepAlive,
    keeping: resolveKeeping(options),
    retry,
    once: { ...retry, attempts: 1 },
    heldBy,
    nextAttempt: numberedIds(),
    nextOwner: randomIds(),
    closing,
    signals: new SharedSignals(),
    holds: new HoldRegistry(timing.clock, {
      presence: store.presence,
      lost: (held) => loseWithPresence(context, held),
    }),
    databaseClock: new DatabaseClock(timing.clock),
    checked: new Set(),
    running: new Map(),
    reporter,
    leaks: leakWatchOf(options.leakWarnings, keepAlive, logger),
  }
  // At last: the store remembers it, also of a factory whose options are refused.
  const endLogging = logger ? logEvents(listeners, logger) : () => {}
  return { context, keepAlive, giveBack, closing, listeners, endLogging }
}

/** @throws LockError `E_INVALID_OPTION` */
function leakWatchOf(given: unknown, keepAlive: KeepAlive, logger: Logger | undefined): LeakWatch | undefined {
  if (!BOOLEAN_RULE.isValid(given)) throw invalidOption('leakWarnings', BOOLEAN_RULE.rule, given)
  if (given === false || (given === undefined && isProduction())) return undefined
  return new LeakWatch({ isForAcquire: given === true, isKeptAlive: (held) => keepAlive.keeps(held), logger })
}

/** Where the environment may not be read, as in Deno without the permission, nobody develops. */
function isProduction(): boolean {
  try {
    return process.env.NODE_ENV === 'production'
  } catch {
    return true
  }
}
