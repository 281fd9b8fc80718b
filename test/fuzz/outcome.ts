import { expect } from 'vitest'
import { CATALOGUE } from '../../src/errors.ts'
import { isLockError } from '../../src/index.ts'
import { HostileError } from './nasty-values.ts'

/** No call of the fuzz has anything to wait for. */
const LONGEST_MS = 10_000
/** A key of 1,024 bytes, each of them escaped, two in one message, and the words around them. */
const LONGEST_MESSAGE = 16_000
const BREAKS_LINES = /[\p{Cc}\p{Zl}\p{Zp}]/u

/** What a call came to. */
export type Outcome =
  | { readonly kind: 'value'; readonly value: unknown }
  | { readonly kind: 'refused'; readonly code: string }
  | { readonly kind: 'foreign' }

/**
 * Calls, and fails unless it ends in time, with a value or a well-formed LockError.
 *
 * @param secrets what no message may contain
 * @param isForeign whether the call is given an object that it must call, whose own errors come out as they are
 */
export async function outcomeOf(call: () => unknown, secrets: readonly string[], isForeign = false): Promise<Outcome> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<never>((_resolve, reject) => {
    timer = setTimeout(() => reject(new Error('it hangs')), LONGEST_MS)
  })
  try {
    // In an object: what comes out may be a thenable of its own.
    const done = (async () => ({ value: await call() }))()
    return { kind: 'value', ...(await Promise.race([done, late])) }
  } catch (error) {
    if (isForeign && isOfForeign(error)) return { kind: 'foreign' }
    if (!isLockError(error)) throw error
    checkError(error, secrets)
    return { kind: 'refused', code: error.code }
  } finally {
    clearTimeout(timer)
  }
}

function isOfForeign(error: unknown): boolean {
  return (
    error instanceof HostileError ||
    (error instanceof TypeError && /has been revoked|without 'new'/.test(error.message))
  )
}

function checkError(
  { code, message, details }: { code: string; message: string; details: object },
  secrets: readonly string[],
): void {
  expect(Object.hasOwn(CATALOGUE, code), code).toBe(true)
  expect(message.length).toBeLessThan(LONGEST_MESSAGE)
  if (code !== 'E_LOCK_STORAGE_ERROR') expect(message).not.toMatch(BREAKS_LINES)
  const said = `${message}${JSON.stringify(details)}`
  for (const secret of secrets) expect(said).not.toContain(secret)
}
