import { expect } from 'vitest'
import { isLockError, type LockError } from '../../src/index.ts'

/** The LockError that the promise must reject with. */
export async function rejection(promise: Promise<unknown>, code: string): Promise<LockError> {
  const error = await promise.then(
    (value) => expect.fail(`expected ${code}, but it resolved with ${JSON.stringify(value)}`),
    (reason) => reason,
  )
  if (!isLockError(error)) throw error
  expect(error.code, error.message).toBe(code)
  return error
}
