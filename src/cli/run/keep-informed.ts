import type { GuardedCommand } from './guarded-command.ts'
import { monotonicMs } from './monotonic-ms.ts'

/** So much later a deadline must be to be worth a message. */
const WORTH_MS = 50

/** The end of a lease, by {@link monotonicMs}. @param remainingMs asks how long it lasts at least */
export function deadlineOf(remainingMs: () => number): number {
  // The moment first: a pause between the two makes the deadline earlier, never later.
  const nowMs = monotonicMs()
  return nowMs + remainingMs()
}

/**
 * Tells the supervisor of every renewal of the lease.
 *
 * @param everyMs how often to look
 * @returns ends it
 */
export function keepInformed(
  command: GuardedCommand,
  remainingMs: () => number,
  toldMs: number,
  everyMs: number,
): () => void {
  let latestMs = toldMs
  const timer = setInterval(() => {
    const deadlineMs = deadlineOf(remainingMs)
    if (deadlineMs < latestMs + WORTH_MS) return
    latestMs = deadlineMs
    command.extend(deadlineMs)
  }, everyMs)
  return () => clearInterval(timer)
}
