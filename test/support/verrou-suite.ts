import { registerStoreTestSuite } from '@verrou/core/test_suite'
import type { LockStore } from '@verrou/core/types'
import { assert, expect, test } from 'vitest'
import { uniqueTableName } from './table-name.ts'

/** The part of Japa's assertions that the suite of Verrou uses, and that chai does not have. */
const JAPA_ASSERT = {
  ...assert,
  rejects: (work: () => Promise<unknown>, message: string) => expect(work()).rejects.toThrow(message),
}

interface Registered {
  readonly title: string
  readonly body: (context: { assert: typeof JAPA_ASSERT }) => Promise<void>
  rejection?: { message: string; type: new () => Error }
}

/**
 * The test suite that `@verrou/core` publishes for its stores, as it is. It was written for another runner: what it registers is collected, and
 * given to ours. All its tests use the same few keys of a new store: each gets keys of its own, and they can run side by side.
 */
export function verrouSuite(store: () => LockStore): void {
  const registered: Registered[] = []
  const japaTest = (title: string, body: Registered['body']) => {
    const one: Registered = { title, body }
    registered.push(one)
    return {
      throws: (message: string, type: new () => Error) => {
        one.rejection = { message, type }
      },
    }
  }
  registerStoreTestSuite({ test: japaTest as never, createStore: () => prefixed(uniqueTableName('verrou'), store()) })

  for (const { title, body, rejection } of registered) {
    // Their times are short for a machine that has other things to do.
    test.concurrent(title, { retry: 2 }, async () => {
      const ran = body({ assert: JAPA_ASSERT })
      if (!rejection) return await ran
      const error = await ran.then(
        () => assert.fail('nothing was thrown'),
        (thrown: unknown) => thrown,
      )
      expect(error).toBeInstanceOf(rejection.type)
    })
  }
}

function prefixed(prefix: string, store: LockStore): LockStore {
  return {
    save: (key, ...others) => store.save(prefix + key, ...others),
    delete: (key, ...others) => store.delete(prefix + key, ...others),
    forceDelete: (key) => store.forceDelete(prefix + key),
    exists: (key) => store.exists(prefix + key),
    extend: (key, ...others) => store.extend(prefix + key, ...others),
  }
}
