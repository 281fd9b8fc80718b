import parseDuration from 'ms'
import { describeValue } from './describe-value.ts'
import { errors } from './errors.ts'

/**
 * How long: a number of milliseconds, or a string that the package `ms` reads ('30s', '5m', '1 hour').
 */
export type Duration = number | string

/** How long a lease lasts: a {@link Duration}, or `null` for a lease that never expires by itself. */
export type Ttl = Duration | null

/** Microseconds are exact in a JavaScript number up to here: about 285 years. */
const LONGEST_US = Number.MAX_SAFE_INTEGER

/**
 * Reads a TTL, once, at the edge.
 *
 * @returns Whole microseconds, or `null` for never.
 * @throws LockError `E_INVALID_DURATION` for anything that is not longer than zero and finite.
 */
export function resolveTtlUs(ttl: Ttl): number | null {
  if (ttl === null) return null
  const rule = "a positive number of milliseconds, a string like '30s', or null for never"
  return toWholeUs('ttl', ttl, rule, 'at most 2^53 microseconds (285 years); use null for never')
}

/**
 * Reads a length of time that has an end: a period, or the TTL of a lease that is kept alive.
 *
 * @returns Whole microseconds.
 * @throws LockError `E_INVALID_DURATION` for anything that is not longer than zero and finite.
 */
export function resolveLengthUs(option: string, length: Duration): number {
  const rule = "a positive number of milliseconds, or a string like '1h'"
  return toWholeUs(option, length, rule, 'at most 2^53 microseconds (285 years)')
}

/**
 * Reads a duration that may be zero, such as `retry.delay`.
 *
 * @returns Milliseconds.
 * @throws LockError `E_INVALID_OPTION`: unlike a TTL, these are options of a call.
 */
export function resolveMs(option: string, duration: Duration): number {
  const rule = "a number of milliseconds from 0, or a string like '250ms'"
  try {
    const durationMs = parse(option, duration, rule)
    if (durationMs >= 0 && durationMs * 1000 <= LONGEST_US) return durationMs
  } catch {}
  throw new errors.E_INVALID_OPTION(`\`${option}\` must be ${rule}; got ${describeValue(duration)}`, {
    details: { option },
  })
}

function toWholeUs(option: string, length: Duration, rule: string, longestRule: string): number {
  const lengthUs = Math.round(parse(option, length, rule) * 1000)
  if (!(lengthUs >= 1)) throw invalidDuration(option, 'longer than 0 (at least 0.001 ms)', length)
  if (lengthUs > LONGEST_US) throw invalidDuration(option, longestRule, length)
  return lengthUs
}

function parse(option: string, duration: Duration, rule: string): number {
  const durationMs = typeof duration === 'string' ? parseText(duration) : duration
  if (typeof durationMs !== 'number' || !Number.isFinite(durationMs)) throw invalidDuration(option, rule, duration)
  return durationMs
}

function parseText(text: string): number | undefined {
  // ms throws on '' and on more than 100 characters, and returns undefined for what it cannot read.
  if (text.trim() === '' || text.length > 100) return undefined
  return parseDuration(text as Parameters<typeof parseDuration>[0])
}

function invalidDuration(option: string, rule: string, given: unknown): Error {
  return new errors.E_INVALID_DURATION(`\`${option}\` must be ${rule}; got ${describeValue(given)}`, {
    details: { option },
  })
}
