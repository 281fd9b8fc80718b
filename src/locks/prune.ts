import { type Duration, resolveMs } from '../duration.ts'
import { ask } from '../engine/ask.ts'
import { boundsOf, pause } from '../engine/bounds.ts'
import { checkPruneOptions, invalidOption } from '../options.ts'
import type { LockContext } from './lock-context.ts'

/** How far a `prune` has come. */
export interface PruneProgress {
  /** Rows that it has removed so far. */
  readonly removed: number
  /** Rows that it has looked at so far. */
  readonly looked: number
}

/** Options of `prune`. */
export interface PruneOptions {
  /**
   * How long a key must have been free; milliseconds or '1h'. At least a minute, and longer than any transaction of yours in which locks are
   * taken: on MySQL and MariaDB, a transaction under REPEATABLE READ that began before a row was removed can take its key and see the database as it was
   * before the last holder. Default: '1h'.
   */
  readonly retention?: Duration | undefined
  /** Ends it after the statement that is on its way: the call rejects with the signal's reason. What was removed by then is gone. */
  readonly signal?: AbortSignal | undefined
  /** Called after every look at the table. What it throws ends the call. */
  readonly onProgress?: ((progress: PruneProgress) => void) | undefined
}

/** What a `prune` has done. */
export interface Pruned {
  /** Rows that it has removed. Those of a statement whose answer was lost are not counted. */
  readonly removed: number
}

const LEAST_RETENTION_MS = 60_000

/** A statement that took longer waited for the database: the next ones need not wait as long. */
const LONGEST_PAUSE_MS = 100

/** See `LockFactory.prune`. */
export async function prune(context: LockContext, options: PruneOptions = {}): Promise<Pruned> {
  const { retentionUs, signal, onProgress } = resolvePrune(options)
  const { rootStore, closing, signals, engine } = context
  const { clock } = engine.timing
  const bounds = boundsOf(clock, Infinity, closing, signal && signals.of(signal))
  // Half of the time belongs to others: to this process, where the driver blocks it, and to whoever waits for the database.
  const inTurn = async <T>(question: () => Promise<T>): Promise<T> => {
    bounds.throwIfAborted()
    const sentAtMs = clock.nowMs()
    const answer = await ask(question, engine.timing, bounds)
    await pause(clock, Math.min(clock.nowMs() - sentAtMs, LONGEST_PAUSE_MS), bounds)
    return answer
  }

  let removed = 0
  let looked = 0
  for (let afterKey: string | null = ''; afterKey !== null; ) {
    const behind: string = afterKey
    const page = await inTurn(() => rootStore.findOld(behind, retentionUs))
    for (const keys of page.portions) removed += await inTurn(() => rootStore.removeOld(keys, page.freeSinceUs))
    looked += page.looked
    onProgress?.(Object.freeze({ removed, looked }))
    afterKey = page.lastKey
  }
  return Object.freeze({ removed })
}

function resolvePrune(options: PruneOptions) {
  checkPruneOptions(options)
  const { retention = '1h', signal, onProgress } = options
  const retentionMs = resolveMs('retention', retention)
  if (retentionMs < LEAST_RETENTION_MS) throw invalidOption('retention', "at least a minute ('1m')", retention)
  return { retentionUs: Math.round(retentionMs * 1000), signal, onProgress }
}
