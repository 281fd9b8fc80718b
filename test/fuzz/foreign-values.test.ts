import { expect, test } from 'vitest'
import { memoryStore } from '../../src/drivers/memory.ts'
import { isLockError, LockFactory, StoreTrouble } from '../../src/index.ts'

/** What the fuzz has found, or cannot come upon by chance. */

/** What a polyfill makes: all that the types ask for, and not of Node's class. */
function polyfilled(): AbortController {
  const target = new EventTarget()
  const signal = {
    aborted: false,
    reason: undefined as unknown,
    throwIfAborted() {
      if (signal.aborted) throw signal.reason
    },
    addEventListener: target.addEventListener.bind(target),
    removeEventListener: target.removeEventListener.bind(target),
  }
  const abort = (reason: unknown) => {
    Object.assign(signal, { aborted: true, reason })
    target.dispatchEvent(new Event('abort'))
  }
  return { signal, abort } as unknown as AbortController
}

test('a signal of a polyfill, which `acquire` takes, is heard in `run`, too', async () => {
  const { signal, abort } = polyfilled() as { signal: AbortSignal; abort(reason: unknown): void }
  const [, reason] = await new LockFactory(memoryStore()).createLock('k').run(
    (context) => {
      const heard = new Promise((resolve) =>
        context.signal.addEventListener('abort', () => resolve(context.signal.reason)),
      )
      abort('stop')
      return heard
    },
    { signal },
  )
  expect(reason).toBe('stop')
})

test.each(['toString', 'constructor', '__proto__', 'hasOwnProperty'])('%s is no code of an error', (code) => {
  expect(isLockError(Object.assign(new Error('no'), { name: 'LockError', code }))).toBe(false)
})

test.each([Object.create(null), Symbol('s'), { toString: null }, null, undefined])(
  'anything can be the cause of trouble',
  (cause) => {
    expect(new StoreTrouble('failed', cause).cause).toBe(cause)
  },
)
