import type { Attributes } from '@opentelemetry/api'
import { invalidOption } from '../options.ts'

/**
 * Which keys are told: those that match, as they are; or what a function makes of a key, `undefined` for nothing. Keep the number of different answers
 * small: each of them is a series of its own in your metrics, for ever.
 */
export type KeyPattern = RegExp | ((key: string) => string | undefined)

/** The attribute of a key, if it is to be told. @throws LockError `E_INVALID_OPTION` */
export function keyAttribute(given: KeyPattern | undefined): (key: string) => Attributes {
  const nameOf = namingOf(given)
  return (key) => {
    try {
      const name = nameOf(key)
      if (typeof name === 'string') return { 'verrou.lock.key': name }
    } catch {
      // A mistake in it costs the attribute, and nothing else.
    }
    return {}
  }
}

function namingOf(given: KeyPattern | undefined): (key: string) => string | undefined {
  if (given === undefined) return () => undefined
  if (typeof given === 'function') return given
  if (!(given instanceof RegExp)) throw invalidOption('keys', 'a regular expression, or a function of the key', given)
  // With these flags it would remember where the last match was.
  const pattern = new RegExp(given.source, given.flags.replace(/[gy]/g, ''))
  return (key) => (pattern.test(key) ? key : undefined)
}
