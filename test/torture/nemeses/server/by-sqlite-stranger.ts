import { spawn } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import type { Scene } from '../../fault.ts'
import type { SqliteOrder, SqliteTask } from './sqlite-task.ts'

const PROGRAM = fileURLToPath(new URL('sqlite-stranger.ts', import.meta.url))

/**
 * Has it done by a process of its own: SQLite's calls block whoever makes them. Ending the fault early ends the process, and with it
 * its transaction and its locks.
 *
 * @throws Error if the process could not do it
 */
export async function bySqliteStranger(
  scene: Scene,
  signal: AbortSignal,
  forMs: number,
  task: SqliteTask,
): Promise<void> {
  const order: SqliteOrder = { path: scene.database.adminUrl(), tableName: scene.tableName, forMs, task }
  // Its stdin is a pipe of ours: it ends when this process does, whatever way that happens.
  const child = spawn(process.execPath, [PROGRAM, JSON.stringify(order)], { stdio: ['pipe', 'pipe', 'pipe'] })
  let output = ''
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data) => {
      output += data
    })
  const end = () => void child.stdin.end()
  signal.addEventListener('abort', end)
  try {
    if (signal.aborted) end()
    await new Promise((resolve, reject) => child.once('close', resolve).once('error', reject))
  } finally {
    signal.removeEventListener('abort', end)
  }
  if (!/^begun$/m.test(output) && !signal.aborted) throw new Error(`not injected: ${output}`)
}
