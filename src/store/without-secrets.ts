import type { StatementInput } from '../statement.ts'

/** Shorter ones are no secrets, but names that somebody else has given; they could be part of any word. */
const SHORTEST_SECRET = 16
/** More parts than any error of a driver has. */
const MOST_PARTS = 200
/** Postgres repeats the whole row that it refuses, which may be somebody else's. */
const WHOLE_ROW = /^Failing row contains .*$/s

/**
 * The same error, with our secrets taken out of it and of its causes: databases repeat the row that they refuse (Postgres, in `detail`), and
 * drivers the statement with its values (`sql` of `mysql2`, in hex; `parameters`). Errors are logged; who has an owner id can end the lock.
 */
export function withoutSecrets(error: unknown, input: Partial<StatementInput>): unknown {
  const { owner, attempt, heirOwner, heirAttempt, renewals = [], tries = [], holds = [] } = input
  const secrets = [owner, attempt, heirOwner, heirAttempt]
  for (const one of [...renewals, ...tries, ...holds]) secrets.push(one.owner)
  for (const one of tries) secrets.push(one.attempt)
  const forms = secrets
    .filter((secret) => typeof secret === 'string' && secret.length >= SHORTEST_SECRET)
    .flatMap((secret) => [escaped(secret as string), Buffer.from(secret as string).toString('hex')])
  // `(?!)` is nowhere.
  hide(error, new RegExp(forms.join('|') || '(?!)', 'gi'), new Set())
  return error
}

function escaped(text: string): string {
  return text.replace(/[\\^$.*+?()[\]{}|/-]/g, '\\$&')
}

function hide(part: unknown, secret: RegExp, seen: Set<unknown>): void {
  if (!isPart(part) || seen.has(part) || seen.size > MOST_PARTS) return
  seen.add(part)
  for (const name of Reflect.ownKeys(part)) {
    const given: unknown = Reflect.get(part, name)
    const text =
      typeof given === 'string' ? given : given instanceof Uint8Array ? Buffer.from(given).toString() : undefined
    if (text === undefined) hide(given, secret, seen)
    const shown = text?.replace(WHOLE_ROW, 'Failing row contains …').replace(secret, '…')
    // What is frozen stays as it is.
    if (shown !== text) Reflect.set(part, name, shown)
  }
}

/** What an error is made of: not the connections that some drivers hang on it. */
function isPart(given: unknown): given is object {
  if (given instanceof Error || Array.isArray(given)) return true
  return typeof given === 'object' && given !== null && Object.getPrototypeOf(given) === Object.prototype
}
