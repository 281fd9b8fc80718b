import { InvalidArgumentError } from 'commander'
import { resolveMs } from '../duration.ts'
import { durationText } from './output/duration-text.ts'

/**
 * Reads a duration of the command line. It must have a unit: 30 means seconds to `flock` and `sleep`, and milliseconds to the library.
 *
 * @returns milliseconds
 */
export function durationOption(leastMs = 0): (text: string) => number {
  return (text) => {
    const durationMs = parse(text)
    if (durationMs >= leastMs) return durationMs
    throw new InvalidArgumentError(`It must be at least ${durationText(leastMs)}.`)
  }
}

function parse(text: string): number {
  if (text.trim() === '0') return 0
  if (/^\s*-?[\d.]+\s*$/.test(text)) throw new InvalidArgumentError(`It needs a unit, as in ${text.trim()}s.`)
  try {
    return resolveMs('duration', text)
  } catch {
    throw new InvalidArgumentError("It must be a duration such as 500ms, 30s, 10m or '1 hour'.")
  }
}
