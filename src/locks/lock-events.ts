import { invalidOption } from '../options.ts'
import type { LockStore } from '../store/lock-store.ts'
import type { WakeupTrouble } from '../store/wake-source.ts'

/** What a {@link LockFactory} tells its listeners: names, and what comes with them. */
export interface LockEvents {
  /**
   * Releases by other processes are not heard any more, so that waiters poll: slower, and more statements. Once for each time that
   * it happens; at once, if that is so when the listener comes.
   */
  'wakeup-degraded': WakeupTrouble
}

const EVENTS: readonly string[] = ['wakeup-degraded'] satisfies (keyof LockEvents)[]

/** See `LockFactory.on`. */
export function listenTo<Name extends keyof LockEvents>(
  store: LockStore,
  event: Name,
  listener: (event: LockEvents[Name]) => void,
): () => void {
  if (!EVENTS.includes(event)) throw invalidOption('event', `one of ${EVENTS.join(', ')}`, event)
  if (typeof listener !== 'function') throw invalidOption('listener', 'a function', listener)
  const end = store.wakeSource?.onTrouble((trouble) => {
    try {
      listener(trouble)
    } catch {
      // What a listener does wrong must not end the waiting of others.
    }
  })
  return end ?? (() => {})
}
