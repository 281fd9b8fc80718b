import type { TryInput } from '../statement.ts'

/**
 * How the attempt of a lease names the presence of its holder: `present:<server>:<presence>:<attempt>`, with 16 hexadecimal digits for
 * each of the first two. The statements of each dialect look for these places. No other attempt has a colon in it.
 */
export const PRESENT = 'present:'

/** The attempt as a row has it. */
export function presentAttempt(server: string, presence: string, attempt: string): string {
  return `${PRESENT}${server}:${presence}:${attempt}`
}

/** Take-overs as one value, each with its place in the list. `text`: how what is in it is written. */
export function takeOversJson(
  takeOvers: readonly TryInput[],
  text: (given: string) => string = (given) => given,
): string {
  return JSON.stringify(
    takeOvers.map(({ key, owner, attempt, ttlUs, heldBy }, n) => ({
      n,
      key: text(key),
      owner: text(owner),
      attempt: text(attempt),
      ttl: ttlUs,
      held_by: text(heldBy),
    })),
  )
}
