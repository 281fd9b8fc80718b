import { readdirSync, readFileSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 5
const PATIENCE_MS = 10_000

/**
 * Kills a process with its children, and waits until they are gone. Postgres needs all of them dead: as long as one is left of
 * the old ones, which share memory, a new server refuses to start.
 */
export async function killFamily(pid: number): Promise<void> {
  // Stopped first: what stands still has no more children.
  signal(pid, 'SIGSTOP')
  const family = [...descendantsOf(pid), pid]
  for (const member of family) signal(member, 'SIGKILL')
  await untilGone(family)
}

/** Asks a process to end, by a signal, and waits until it has; kills it if it takes too long. */
export async function endFamily(pid: number, name: NodeJS.Signals): Promise<void> {
  const family = [...descendantsOf(pid), pid]
  signal(pid, name)
  const isGone = await untilGone(family, Date.now() + PATIENCE_MS)
  if (!isGone) await killFamily(pid)
}

/** A dead process that nobody has buried is not running: in a container it may stay for good. */
export function isRunning(pid: number): boolean {
  const status = statusOf(pid)
  return status !== undefined && status.state !== 'Z'
}

async function untilGone(pids: readonly number[], deadline = Number.POSITIVE_INFINITY): Promise<boolean> {
  while (pids.some(isRunning)) {
    if (Date.now() > deadline) return false
    await sleep(PAUSE_MS)
  }
  return true
}

function signal(pid: number, name: NodeJS.Signals): void {
  try {
    process.kill(pid, name)
  } catch (error) {
    // Gone already.
    if ((error as NodeJS.ErrnoException).code !== 'ESRCH') throw error
  }
}

function descendantsOf(ancestor: number): number[] {
  const pids = readdirSync('/proc').filter((name) => /^\d+$/.test(name))
  const all = pids.map((pid) => ({ pid: Number(pid), parent: statusOf(Number(pid))?.parent }))
  const below = (parent: number): number[] =>
    all.filter((one) => one.parent === parent).flatMap(({ pid }) => [...below(pid), pid])
  return below(ancestor)
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: the name, in brackets, may have brackets and spaces of its own. */
function statusOf(pid: number): { state: string; parent: number } | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const [state = '', parent] = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return { state, parent: Number(parent) }
  } catch {
    return undefined
  }
}
