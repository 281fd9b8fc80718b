import { readdirSync, readFileSync } from 'node:fs'

/**
 * The processes of a command: it was started in a session of its own (`setsid`), whose id is the command's process id. That takes in whatever it
 * starts, in the background and in process groups of their own, too; but not what begins a session itself, as daemons do.
 */
export class ProcessSession {
  readonly #id: number

  constructor(commandPid: number) {
    this.#id = commandPid
  }

  /** Sends a signal to all of them. */
  signal(signal: NodeJS.Signals): void {
    signalProcess(-this.#id, signal)
    // Job control, as in `bash -i`, has groups of its own.
    for (const { pid, group, session } of readProcesses()) {
      if (session === this.#id && group !== this.#id) signalProcess(pid, signal)
    }
  }

  /** Kills them, and all that they have started: another `verrou run` has its command in a session of that command's own. */
  kill(): void {
    const descendants = this.#descendants()
    signalProcess(-this.#id, 'SIGKILL')
    for (const pid of descendants) signalProcess(pid, 'SIGKILL')
  }

  /** Whether any of them runs. */
  isAlive(): boolean {
    const processes = readProcesses()
    if (processes.length > 0) return processes.some(({ session }) => session === this.#id)
    // No /proc, as on macOS: only the group can be asked for.
    return signalProcess(-this.#id, 0)
  }

  #descendants(): Set<number> {
    const processes = readProcesses()
    const found = new Set(processes.filter(({ session }) => session === this.#id).map(({ pid }) => pid))
    for (let before = -1; before < found.size; ) {
      before = found.size
      for (const { pid, parent } of processes) if (found.has(parent)) found.add(pid)
    }
    return found
  }
}

interface ProcessEntry {
  readonly pid: number
  readonly parent: number
  readonly group: number
  readonly session: number
}

/** https://man7.org/linux/man-pages/man5/proc_pid_stat.5.html: "pid (name) state ppid pgrp session …"; the name may contain anything. */
const STAT = /^\d+ \(.*\) (\S) (\d+) (\d+) (\d+) /s
/** Those that are dead and wait for somebody to ask how they ended. */
const DEAD = 'ZX'

/** Every process that runs; none where there is no /proc. */
function readProcesses(): ProcessEntry[] {
  return pidsIn('/proc').flatMap((pid) => {
    const [, state = DEAD, parent, group, session] = STAT.exec(readStat(pid)) ?? []
    if (DEAD.includes(state)) return []
    return [{ pid, parent: Number(parent), group: Number(group), session: Number(session) }]
  })
}

function pidsIn(folder: string): number[] {
  try {
    return readdirSync(folder).map(Number).filter(Number.isInteger)
  } catch {
    return []
  }
}

function readStat(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/stat`, 'latin1')
  } catch {
    // It has ended meanwhile.
    return ''
  }
}

/** @returns whether there is such a process, or a group where the number is negative */
function signalProcess(pid: number, signal: NodeJS.Signals | 0): boolean {
  try {
    return process.kill(pid, signal)
  } catch (error) {
    // EPERM: there is one, which has become another user.
    return (error as NodeJS.ErrnoException).code === 'EPERM'
  }
}
