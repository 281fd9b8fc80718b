import { isLockError } from '../../errors.ts'
import type { LockFactory, RetryOptions, RunOutcome } from '../../index.ts'
import { GuardedCommand } from './guarded-command.ts'
import { deadlineOf, keepInformed } from './keep-informed.ts'
import type { SignalPassing } from './pass-signals.ts'
import type { CommandEnd } from './supervisor-messages.ts'

/** What is to be run, and under which lock. */
export interface RunPlan {
  readonly key: string
  /** The program and its arguments. */
  readonly command: readonly string[]
  readonly ttlMs: number
  readonly graceMs: number
  readonly retry: RetryOptions
  /** Once in this period; `undefined`: every time. */
  readonly periodMs: number | undefined
  /** What a command that fails does to its period. */
  readonly onError: 'retry' | 'skip'
  /** Under a session lock, and not a lease. */
  readonly isSession: boolean
}

/** What became of a plan. */
export type RunResult =
  | { readonly isGranted: false }
  | {
      readonly isGranted: true
      readonly end: CommandEnd
      readonly fencingToken: number | null
      readonly isLost: boolean
    }

/** The command failed: thrown through `runOncePer`, to which that makes a difference. */
class CommandFailed extends Error {
  readonly end: CommandEnd

  constructor(end: CommandEnd) {
    super('the command failed')
    this.end = end
  }
}

/** A lock that is held, as the three kinds of runs have it. */
interface Held {
  readonly signal: AbortSignal
  readonly fencingToken: number | null
  readonly lock: { getRemainingTime(): number | null }
}

/** How often in a TTL it is looked whether the lease was renewed; renewals come at a third of it. */
const LOOKS_PER_TTL = 12
/** SIGTERM for want of a renewal comes by this part of the TTL before its end: two renewals have been missed by then. */
const LEAD_PART = 3

/**
 * Waits for the lock, runs the command under it, and gives it back when nothing of the command runs any more.
 *
 * @throws CliError when the command could not be started; the reason of the signal that ended the waiting; LockError
 */
export async function runUnderLock(locks: LockFactory, plan: RunPlan, passing: SignalPassing): Promise<RunResult> {
  let fencingToken: number | null = null
  const work = (held: Held) => {
    fencingToken = held.fencingToken
    return runGuarded(held, plan, passing)
  }
  const resultOf = (end: CommandEnd, isLost: boolean): RunResult => {
    return { isGranted: true, end, fencingToken, isLost: isLost || end.reason === 'deadline' }
  }
  try {
    const [isGranted, end] = await take(locks, plan, work, passing.signal)
    return isGranted ? resultOf(end, false) : { isGranted }
  } catch (error) {
    if (error instanceof CommandFailed) return resultOf(error.end, isLockError(error.cause, 'E_LOCK_LOST'))
    if (isLockError(error, 'E_LOCK_LOST') && error.result) return resultOf(error.result as CommandEnd, true)
    throw error
  }
}

function take(
  locks: LockFactory,
  { key, ttlMs: ttl, retry, periodMs, onError, isSession }: RunPlan,
  work: (held: Held) => Promise<CommandEnd>,
  signal: AbortSignal,
): Promise<RunOutcome<CommandEnd>> {
  if (isSession) return locks.createLock(key, { strategy: 'session' }).run(work, { retry, signal })
  if (periodMs === undefined) return locks.createLock(key, ttl).run(work, { retry, signal, keepAlive: true })
  const orThrow = async (held: Held) => {
    const end = await work(held)
    if (end.code === 0) return end
    throw new CommandFailed(end)
  }
  return locks.runOncePer(key, periodMs, orThrow, { retry, signal, ttl, onError })
}

async function runGuarded(held: Held, plan: RunPlan, passing: SignalPassing): Promise<CommandEnd> {
  passing.signal.throwIfAborted()
  const { lock, signal, fencingToken } = held
  const remainingMs = () => lock.getRemainingTime() ?? 0
  const deadlineMs = plan.isSession ? null : deadlineOf(remainingMs)
  const command = GuardedCommand.start(
    {
      command: plan.command,
      graceMs: plan.graceMs,
      deadlineMs,
      leadMs: Math.min(plan.graceMs, plan.ttlMs / LEAD_PART),
      isLockGoneWithHolder: plan.isSession,
    },
    environment(plan.key, fencingToken),
  )
  passing.passTo(command)
  const stop =
    deadlineMs === null ? () => {} : keepInformed(command, remainingMs, deadlineMs, plan.ttlMs / LOOKS_PER_TTL)
  const lose = () => command.end()
  if (signal.aborted) lose()
  else signal.addEventListener('abort', lose, { once: true })
  try {
    return await command.ended
  } finally {
    stop()
    signal.removeEventListener('abort', lose)
  }
}

/** A token of a lock around this one would be the wrong one. */
function environment(key: string, fencingToken: number | null): NodeJS.ProcessEnv {
  const { VERROU_FENCING_TOKEN, ...env } = process.env
  return { ...env, VERROU_KEY: key, ...(fencingToken !== null && { VERROU_FENCING_TOKEN: String(fencingToken) }) }
}
