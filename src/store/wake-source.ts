/** Told when a store's wake-ups do not work, so that waiters poll. */
export interface WakeupTrouble {
  /**
   * - `deaf`: notifications do not arrive, as through a pooler in transaction mode
   * - `disconnected`: the listening connection is lost and could not be opened again yet
   */
  readonly reason: 'deaf' | 'disconnected'
  /** What to know and to do, in one sentence. */
  readonly message: string
  /** The error of the driver, if there is one. */
  readonly cause?: unknown
}

/** Told when they work again. */
export interface WakeupRecovery {
  /** For how long waiters had to poll, milliseconds. */
  readonly degradedMs: number
}

/**
 * Says that a key may be free, also when another process freed it. Only a hint: it may be late, come for nothing, or not
 * come at all. Opens what it needs while somebody has subscribed.
 */
export interface WakeSource {
  /**
   * Calls `wake` when the key may have become free, and whenever something may have been missed: above all once when hearing begins,
   * and after every reconnect. Never calls it from within `subscribe`.
   *
   * @returns ends it; harmless when called twice
   */
  subscribe(key: string, wake: () => void): () => void
  /** Whether a release by another process would be heard at this moment, so that polling can be slow. */
  readonly isHearing: boolean
  /**
   * Calls the listener once for every time that wake-ups stop working; at once (though not from within the call) if they do not work now.
   *
   * @returns ends it
   */
  onTrouble(listener: (trouble: WakeupTrouble) => void): () => void
  /**
   * Calls the listener once for every time that wake-ups work again after trouble. Missing: it cannot tell.
   *
   * @returns ends it
   */
  onRecovery?(listener: (recovery: WakeupRecovery) => void): () => void
}

/** One that belongs to a store. */
export interface ClosableWakeSource extends WakeSource {
  /** Closes what it has opened, unless somebody has subscribed. It opens it again for the next one who does. */
  close(): Promise<void>
}
