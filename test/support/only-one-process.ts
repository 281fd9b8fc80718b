import { mkdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'

/** A lock that has not named its process by then never will. */
const NAMELESS_MS = 2_000

/** Runs `work` while no other process of this machine does: a folder is the lock, which a dead process does not keep. */
export async function onlyOneProcess(lock: string, work: () => Promise<void>): Promise<void> {
  while (!tryToLock(lock)) {
    if (isAbandoned(lock)) rmSync(lock, { recursive: true, force: true })
    else await sleep(50)
  }
  try {
    await work()
  } finally {
    rmSync(lock, { recursive: true, force: true })
  }
}

function tryToLock(lock: string): boolean {
  try {
    mkdirSync(lock)
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code === 'EEXIST') return false
    throw error
  }
  writeFileSync(join(lock, 'pid'), String(process.pid))
  return true
}

function isAbandoned(lock: string): boolean {
  try {
    const pid = Number(readFileSync(join(lock, 'pid'), 'utf8'))
    if (pid > 0) return !isAlive(pid)
    return Date.now() - statSync(lock).mtimeMs > NAMELESS_MS
  } catch {
    const state = statSync(lock, { throwIfNoEntry: false })
    return state !== undefined && Date.now() - state.mtimeMs > NAMELESS_MS
  }
}

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
