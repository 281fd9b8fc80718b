import type { Logger, LogLevel } from '../logger.ts'
import { invalidOption } from '../options.ts'
import type { EventListeners } from './event-listeners.ts'
import type { LockEvents } from './lock-events.ts'

const LEVELS: readonly LogLevel[] = ['debug', 'info', 'warn', 'error']

/** How each event is logged. */
const LINES: { readonly [Name in keyof LockEvents]: readonly [level: LogLevel, message: string] } = {
  waiting: ['debug', 'waiting for a lock'],
  acquired: ['debug', 'lock acquired'],
  refused: ['debug', 'lock refused'],
  failed: ['error', 'the database could not answer'],
  extended: ['debug', 'lock extended'],
  released: ['debug', 'lock released'],
  lost: ['warn', 'lock lost'],
  overrun: ['warn', 'work went on after its lock was over'],
  'handed-on': ['debug', 'lock handed on'],
  'released-by-force': ['warn', 'lock released by force'],
  leaked: ['debug', 'lock never released'],
  'wakeup-degraded': ['warn', 'releases by other processes are not heard; waiters poll'],
  'wakeup-restored': ['info', 'releases by other processes are heard again'],
}

/** Our own logger, made of the caller's. @throws LockError `E_INVALID_OPTION` */
export function resolveLogger(given: unknown): Logger | undefined {
  if (given === undefined) return undefined
  if (!isLogger(given)) throw invalidOption('logger', `a logger such as pino(), with ${LEVELS.join(', ')}`, given)
  const child = given.child?.({ pkg: 'verrou-sql' })
  if (child !== undefined && !isLogger(child)) {
    throw invalidOption('logger', 'a logger whose `child` makes loggers, too', given)
  }
  return child ?? given
}

function isLogger(given: unknown): given is Logger {
  try {
    return LEVELS.every((level) => typeof (given as Partial<Logger>)[level] === 'function')
  } catch {
    return false
  }
}

/** Logs every event. @returns ends it */
export function logEvents(listeners: EventListeners, logger: Logger): () => void {
  const names = Object.keys(LINES) as (keyof LockEvents)[]
  const ends = names.map((name) => {
    const [level, message] = LINES[name]
    // The child of pino is another object: its methods need it.
    return listeners.on(name, (event) => logger[level](factsOf(event), message))
  })
  return () => {
    for (const end of ends) end()
  }
}

/** Loggers write out errors under `err`. */
function factsOf(event: LockEvents[keyof LockEvents]): object {
  if ('error' in event) {
    const { error, ...facts } = event
    return { ...facts, err: error }
  }
  if (!('reason' in event && 'message' in event)) return event
  const { reason, message, cause } = event
  return { reason, hint: message, ...(cause === undefined ? {} : { err: cause }) }
}
