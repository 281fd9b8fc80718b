import { spawn } from 'node:child_process'
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { Scene } from '../../fault.ts'
import type { SqliteOrder, SqliteTask } from './sqlite-task.ts'

const PROGRAM = fileURLToPath(new URL('sqlite-stranger.ts', import.meta.url))

/**
 * Has it done by a process of its own: SQLite's calls block whoever makes them. Ending the fault early kills the process, and with it
 * go its transaction and its locks.
 *
 * @throws Error if the process could not do it
 */
export async function bySqliteStranger(
  scene: Scene,
  signal: AbortSignal,
  forMs: number,
  task: SqliteTask,
): Promise<void> {
  const order: SqliteOrder = { path: resolve(scene.database.adminUrl()), tableName: scene.tableName, forMs, task }
  // For what it copies.
  const folder = await mkdtemp(join(tmpdir(), 'verrou-torture-copy-'))
  const output = await run(order, folder, signal).finally(() => rm(folder, { recursive: true, force: true }))
  if (!/^begun$/m.test(output) && !signal.aborted) throw new Error(`not injected: ${output}`)
}

/** @returns what it said */
async function run(order: SqliteOrder, folder: string, signal: AbortSignal): Promise<string> {
  // Its stdin is a pipe of ours: it ends when this process does, whatever way that happens.
  const stdio: ['pipe', 'pipe', 'pipe'] = ['pipe', 'pipe', 'pipe']
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(order)], { cwd: folder, stdio })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data
    })
  const kill = () => void child.kill('SIGKILL')
  signal.addEventListener('abort', kill)
  try {
    if (signal.aborted) kill()
    await new Promise((closed, failed) => child.once('close', closed).once('error', failed))
  } finally {
    signal.removeEventListener('abort', kill)
  }
  return output
}
