import { spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** What became of a process. */
export interface Ended {
  readonly code: number | null
  readonly output: string
}

/** Runs a program of `test/support` in a process of its own, on the Node.js that runs the tests. */
export function runChild(
  program: string,
  args: readonly string[],
  nodeOptions: readonly string[] = [],
): Promise<Ended> {
  const path = fileURLToPath(new URL(program, import.meta.url))
  const child = spawn(process.execPath, [...nodeOptions, path, ...args], {
    stdio: ['ignore', 'pipe', 'pipe'],
    // Twenty at once are mostly busy with reading the same modules.
    env: { ...process.env, NODE_COMPILE_CACHE: join(tmpdir(), 'verrou-compile-cache') },
  })
  let output = ''
  child.stdout.on('data', (data) => {
    output += data
  })
  child.stderr.on('data', (data) => {
    output += data
  })
  return new Promise((resolve) => child.on('close', (code) => resolve({ code, output })))
}
