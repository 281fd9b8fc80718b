import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** A program of `test/support` in a process of its own, while it runs. */
export interface RunningChild {
  readonly process: ChildProcess
  /** Waits for a line that it prints. */
  line(matching: RegExp): Promise<string>
  /** Waits for its end. @returns its exit code, or the name of the signal that ended it */
  readonly ended: Promise<number | string | null>
  /** What it has printed so far. */
  output(): string
}

/** Starts it on the Node.js that runs the tests. */
export function startChild(program: string, args: readonly string[]): RunningChild {
  return startProgram(fileURLToPath(new URL(program, import.meta.url)), args)
}

/** The same for any file, in a folder and with variables of its own. */
export function startProgram(
  path: string,
  args: readonly string[],
  { cwd = process.cwd(), env = {} }: { cwd?: string; env?: NodeJS.ProcessEnv } = {},
): RunningChild {
  const child = spawn(process.execPath, [path, ...args], {
    cwd,
    stdio: ['ignore', 'pipe', 'pipe'],
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'verrou-compile-cache'), ...env },
  })
  let output = ''
  const watchers = new Set<() => void>()
  const heard = (data: Buffer) => {
    output += data
    for (const watcher of watchers) watcher()
  }
  child.stdout.on('data', heard)
  child.stderr.on('data', heard)
  const ended = new Promise<number | string | null>((resolve) =>
    child.on('close', (code, signal) => {
      for (const watcher of watchers) watcher()
      resolve(code ?? signal)
    }),
  )
  const line = (matching: RegExp) =>
    new Promise<string>((resolve, reject) => {
      const look = () => {
        const found = output.split('\n').find((one) => matching.test(one))
        const isOver = child.exitCode !== null || child.signalCode !== null
        if (found === undefined && !isOver) return
        watchers.delete(look)
        if (found === undefined) reject(new Error(`it ended without printing ${matching}: ${output}`))
        else resolve(found)
      }
      watchers.add(look)
      look()
    })
  return { process: child, line, ended, output: () => output }
}
