import type { HoldInput, RenewalInput, TryInput } from '../statement.ts'

/** How a key, an owner or an attempt is written. */
type WriteText = (given: string) => string

const asItIs: WriteText = (given) => given

/** Many renewals as one value, each with its place in the list. */
export function renewalsJson(renewals: readonly RenewalInput[], text = asItIs): string {
  return JSON.stringify(
    renewals.map(({ key, owner, token, ttlUs }, n) => ({ n, key: text(key), owner: text(owner), token, ttl: ttlUs })),
  )
}

/** The same of tries. */
export function triesJson(tries: readonly TryInput[], text = asItIs): string {
  return JSON.stringify(
    tries.map(({ key, owner, attempt, ttlUs, heldBy }, n) => ({
      n,
      key: text(key),
      owner: text(owner),
      attempt: text(attempt),
      ttl: ttlUs,
      held_by: heldBy,
    })),
  )
}

/** Many keys as one value. */
export function keysJson(keys: readonly string[], text = asItIs): string {
  return JSON.stringify(keys.map((key) => text(key)))
}

/** The same of holds. */
export function holdsJson(holds: readonly HoldInput[], text = asItIs): string {
  return JSON.stringify(holds.map(({ key, owner, token }, n) => ({ n, key: text(key), owner: text(owner), token })))
}
