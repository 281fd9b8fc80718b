import { expect } from 'vitest'

/** Generous for a busy machine; far below any lock wait timeout. */
const AT_ONCE_MS = 5_000

/** What the call answers, which must not have waited for anybody's transaction. */
export async function atOnce<Result>(call: PromiseLike<Result>): Promise<Result> {
  const startMs = performance.now()
  const result = await call
  expect(performance.now() - startMs).toBeLessThan(AT_ONCE_MS)
  return result
}
