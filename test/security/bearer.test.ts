import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLockError, type LockFactory, type SerializedLock } from '../../src/index.ts'
import { rejection } from '../suite/rejection.ts'
import type { OpenBackend, TableAddress } from '../support/contract-backend.ts'
import { directBackends } from '../support/contract-backends.ts'
import { openKysely } from '../support/transactions/kysely.ts'

/** A serialized lock is a bearer secret: who has it can do what its holder can, and nobody else can. */
for (const backend of directBackends()) {
  describe(backend.name, () => {
    let open: OpenBackend
    let locks: LockFactory
    let thief: LockFactory
    let keys = 0
    beforeAll(async () => {
      open = await backend.open()
      locks = open.factory()
      thief = open.factory()
    })
    afterAll(async () => {
      await Promise.all([locks.close(), thief.close()])
      await open.close()
    })

    async function held(): Promise<SerializedLock & { token: number }> {
      const lock = locks.createLock(`bearer:${++keys}`, '1m')
      await lock.acquire()
      return lock.serialize() as SerializedLock & { token: number }
    }

    test('who has the serialized lock can extend, and release it', async () => {
      const lock = await held()
      await thief.restoreLock(lock).extend('2m')
      await thief.restoreLock(lock).release()
      expect(await locks.createLock(lock.key).isLocked()).toBe(false)
    })

    test.runIf(backend.family !== 'memory')('and guard with it', async () => {
      const lock = await held()
      await guarded(open.address as TableAddress, (trx) => thief.restoreLock(lock).guard(trx))
    })

    test('who has the key and the token, which are no secrets, can do nothing of that', async () => {
      const lock = await held()
      for (const owner of [
        'guess',
        lock.owner.slice(0, -1),
        `${lock.owner}x`,
        lock.owner.toLowerCase(),
        `${lock.owner} `,
      ]) {
        const forged = { ...lock, owner }
        await rejection(thief.restoreLock(forged).release(), 'E_LOCK_NOT_OWNED')
        await rejection(thief.restoreLock(forged).extend(), 'E_LOCK_LOST')
        expect(await thief.restoreLock(forged).acquireImmediately()).toBe(false)
        if (open.address) {
          const refused = guarded(open.address, (trx) => thief.restoreLock(forged).guard(trx))
          await rejection(refused, 'E_LOCK_LOST')
        }
      }
      await locks.restoreLock(lock).extend()
    })

    test('an altered one is of no use: of another key, or another token', async () => {
      const [lock, victim] = [await held(), await held()]
      for (const altered of [
        { ...lock, key: victim.key },
        { ...lock, key: victim.key, token: victim.token },
        { ...lock, token: lock.token + 1 },
        { ...lock, token: 1 },
      ]) {
        await rejection(thief.restoreLock(altered).extend(), 'E_LOCK_LOST')
        await rejection(thief.restoreLock(altered).release(), 'E_LOCK_NOT_OWNED')
      }
      // Its end is what its maker says, and proves nothing: only the database's answer does.
      const forever = thief.restoreLock({ ...lock, expirationTime: Number.MAX_SAFE_INTEGER, ttl: null })
      await locks.restoreLock(lock).release()
      await rejection(forever.extend(), 'E_LOCK_LOST')
      await locks.restoreLock(victim).release()
    })

    test('an old one is of no use once somebody else has the key', async () => {
      const lock = await held()
      await locks.createLock(lock.key).forceRelease()
      const heir = locks.createLock(lock.key, '1m')
      await heir.acquire()
      await rejection(thief.restoreLock(lock).extend(), 'E_LOCK_LOST')
      await rejection(thief.restoreLock(lock).release(), 'E_LOCK_NOT_OWNED')
      await heir.release()
    })

    test('nothing in JSON reaches a prototype', () => {
      const evil =
        '{"__proto__":{"isAdmin":true},"constructor":{"prototype":{"isAdmin":true}},"key":"k","owner":"o","ttl":1,"expirationTime":null,"token":1}'
      const lock = thief.restoreLock(JSON.parse(evil))
      expect(Object.keys(lock.serialize()).sort()).toEqual(['expirationTime', 'key', 'owner', 'token', 'ttl'])
      expect(({} as { isAdmin?: boolean }).isAdmin).toBeUndefined()
      expect((lock as { isAdmin?: boolean }).isAdmin).toBeUndefined()
    })

    test('one with an end that no clock can have is refused', async () => {
      const lock = await held()
      for (const expirationTime of [1e308, 2 ** 60, Number.POSITIVE_INFINITY]) {
        const restoring = (async () => thief.restoreLock({ ...lock, expirationTime }))()
        await rejection(restoring, 'E_INVALID_SERIALIZED_LOCK')
      }
    })

    test('what is only inherited is no field', () => {
      const inherited = JSON.parse('{"__proto__":{"key":"k","owner":"o","ttl":1,"expirationTime":null,"token":1}}')
      expect(() => thief.restoreLock(inherited)).toThrow(
        expect.toSatisfy((error) => isLockError(error, 'E_INVALID_SERIALIZED_LOCK')),
      )
    })
  })
}

async function guarded(address: TableAddress, guard: (transaction: never) => Promise<void>): Promise<void> {
  const db = openKysely(address)
  try {
    await db.transaction().execute((trx) => guard(trx as never))
  } finally {
    await db.destroy()
  }
}
