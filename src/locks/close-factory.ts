import { boundsOf } from '../engine/bounds.ts'
import { errors } from '../errors.ts'
import type { FactoryParts } from './factory-parts.ts'
import { type LockContext, releaseLease } from './lock-context.ts'
import type { SessionContext } from './session-context.ts'

/** How long closing waits for callbacks in progress, and again for the database to confirm the releases. */
const CLOSE_WITHIN_MS = 5_000

/** See `LockFactory.close`. */
export async function closeFactory(parts: FactoryParts, session: SessionContext | undefined): Promise<void> {
  const { context, closing, keepAlive, giveBack } = parts
  const contexts = [context, ...(session ? [session] : [])]
  const within = (work: Promise<unknown>) =>
    boundsOf(context.engine.timing.clock, CLOSE_WITHIN_MS)
      .race(work)
      .catch(() => {})
  const reason = new errors.E_CLOSED('this LockFactory was closed')
  closing.abort(reason)
  for (const held of contexts.flatMap(({ holds }) => holds.all())) held.abort(reason)
  await within(Promise.allSettled(contexts.flatMap(({ running }) => [...running.keys()])))
  // Not before: the work that goes on is in its critical section.
  keepAlive.close()
  await within(Promise.allSettled(contexts.flatMap(releaseLeftovers)))
  context.holds.sweep()
  await Promise.all([giveBack.close(CLOSE_WITHIN_MS), session?.giveBack.close(CLOSE_WITHIN_MS)])
  await within(context.rootStore.close())
  parts.endLogging()
}

/** What closing releases. Work that did not end in time is still in its critical section: its lease ends by itself, its session lock with the work. */
function releaseLeftovers(context: LockContext): Promise<boolean>[] {
  const { holds, running } = context
  const atWork = new Set(running.values())
  const leftovers = holds.all().filter((held) => !held.isShared && !held.isOver() && !atWork.has(held))
  return leftovers.map((held) => releaseLease(context, held))
}
