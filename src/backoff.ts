import type { Chance } from './clock.ts'

/**
 * A pause somewhere between half of `delayMs` and all of it. Without the chance in it, waiters that were refused
 * together would ask together for ever; never longer than `delayMs`, since that is what callers were promised.
 */
export function jittered(delayMs: number, chance: Chance): number {
  return delayMs * (0.5 + chance() / 2)
}

/**
 * The pause before the n-th repetition (from 1): doubles up to `mostMs`, all of it random ("full jitter"), which
 * sends colliding clients apart fastest.
 * https://aws.amazon.com/blogs/architecture/exponential-backoff-and-jitter/
 */
export function backoffMs(repetition: number, firstMs: number, mostMs: number, chance: Chance): number {
  return Math.min(mostMs, firstMs * 2 ** (repetition - 1)) * chance()
}
