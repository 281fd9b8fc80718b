import type { RenewalInput } from '../statement.ts'

/** Many renewals as one value, each with its place in the list. `text`: how a key and an owner are written. */
export function renewalsJson(
  renewals: readonly RenewalInput[],
  text: (given: string) => string = (given) => given,
): string {
  return JSON.stringify(
    renewals.map(({ key, owner, token, ttlUs }, n) => ({ n, key: text(key), owner: text(owner), token, ttl: ttlUs })),
  )
}
