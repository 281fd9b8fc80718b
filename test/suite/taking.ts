import { randomBytes } from 'node:crypto'
import { expect } from 'vitest'
import type { LeaseHold, LeaseRequest, LockStore } from '../../src/index.ts'
import type { SuiteContext } from './suite-context.ts'

/** What an `acquire` asks for, with ids that no other has. */
export function requestFor(key: string, over: Partial<LeaseRequest> = {}): LeaseRequest {
  const id = randomBytes(4).toString('hex')
  return { key, owner: `owner-${id}`, attempt: `attempt-${id}`, ttlUs: 30_000_000, heldBy: 'test', ...over }
}

/** Takes a key that is free. */
export async function take(store: LockStore, request: LeaseRequest): Promise<LeaseHold> {
  const outcome = await store.tryAcquire(request)
  if (!outcome.granted) return expect.fail(`${request.key} is taken`)
  return { key: request.key, owner: request.owner, token: outcome.token }
}

/** By how much a lease is longer than asked, since the clock that it counts from can be that much behind: SQLite's has milliseconds. */
export function clockIsBehindUs({ backend }: SuiteContext): number {
  return backend.name.startsWith('sqlite') ? 1_000 : 0
}
