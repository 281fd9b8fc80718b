/**
 * What the option `logger` takes: a logger in the manner of pino, with the facts first and then the sentence. `console` is one, too.
 *
 * @example
 * const verrou = new Verrou({ default: 'pg', stores, logger: pino({ level: 'debug' }) })
 */
export interface Logger {
  /** What goes as it should: locks that are taken, kept, refused and given back. */
  debug(facts: object, message: string): void
  /** What goes well again. */
  info(facts: object, message: string): void
  /** What somebody should look at. */
  warn(facts: object, message: string): void
  /** What the database could not answer. */
  error(facts: object, message: string): void
  /** If there is one, the library logs to a child with `{ pkg: 'verrou-sql' }`. */
  child?(facts: { pkg: string }): Logger
}

/** The levels that are used. */
export type LogLevel = 'debug' | 'info' | 'warn' | 'error'
