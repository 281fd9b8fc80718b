import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import type { SuiteContext } from './suite-context.ts'

/** G2: tokens of a key strictly increase over all grants, for ever. */
export function fencing(context: SuiteContext): void {
  const grant = async (key: string, ttl: string | null = '10s') => {
    const lock = context.open.factory().createLock(key, ttl)
    expect(await lock.acquireImmediately()).toBe(true)
    return { lock, token: lock.fencingToken as number }
  }

  test('each grant has a higher token: after a release, an expiry, and a forced release', async () => {
    const key = context.key()
    const tokens: number[] = []
    for (let round = 0; round < 5; round++) {
      const released = await grant(key)
      await released.lock.release()
      const expired = await grant(key)
      await context.open.pass(10_100)
      const forced = await grant(key)
      await forced.lock.forceRelease()
      tokens.push(released.token, expired.token, forced.token)
    }
    expect(tokens.every(Number.isSafeInteger)).toBe(true)
    expect(tokens).toEqual([...new Set(tokens)].sort((a, b) => a - b))
  })

  test('an extension keeps the token', async () => {
    const { lock, token } = await grant(context.key())
    await lock.extend()
    expect(lock.fencingToken).toBe(token)
  })

  test('a released or force-released lock shows no token', async () => {
    const { lock } = await grant(context.key())
    await lock.release()
    expect(lock.fencingToken).toBeNull()
    await lock.acquire()
    await lock.forceRelease()
    expect(lock.fencingToken).toBeNull()
  })

  test('quick grants in a row never repeat a token', async () => {
    const key = context.key()
    let last = 0
    for (let round = 0; round < 50; round++) {
      const { lock, token } = await grant(key, null)
      expect(token).toBeGreaterThan(last)
      last = token
      await lock.release()
    }
  })

  if (context.backend.family === 'memory') return

  test('a token is higher than those that a failover or an old backup has forgotten', async () => {
    const key = context.key()
    const first = await grant(key)
    await first.lock.release()
    const lost = await grant(key)
    await lost.lock.release()
    await context.open.setToken(key, first.token)
    // SQLite's clock has milliseconds: the grant after the failover is in a later one, as it would be.
    await sleep(5)
    expect((await grant(key)).token).toBeGreaterThan(lost.token)
  })

  test('a token grows though the clock of the database was set back', async () => {
    const key = context.key()
    const { lock, token } = await grant(key)
    await lock.release()
    await context.open.setToken(key, token + 3_600_000_000)
    const after = await grant(key)
    expect(after.token).toBe(token + 3_600_000_001)
    await after.lock.release()
    const store = context.open.store()
    const { token: next } = await grant(key)
    expect(next).toBe(token + 3_600_000_002)
    await store.forceRelease(key)
    expect((await store.inspect(key))?.token).toBe(token + 3_600_000_003)
  })

  test('a forced release raises the token to the time, as a grant does', async () => {
    const key = context.key()
    const { token } = await grant(key)
    await context.open.setToken(key, 5)
    await context.open.store().forceRelease(key)
    expect((await context.open.store().inspect(key))?.token).toBeGreaterThanOrEqual(token)
  })
}
