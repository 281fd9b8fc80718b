import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { VERROU } from './run-in-terminal.ts'

/** Starts `verrou ui` in that folder, as somebody would. @returns the link that it prints */
export async function startPage(folder: string): Promise<{ link: string; process: ChildProcess }> {
  const child = spawn(process.execPath, [VERROU, 'ui', '--read-write', '--json'], {
    cwd: folder,
    stdio: ['ignore', 'pipe', 'inherit'],
  })
  const [line] = (await once(child.stdout, 'data')) as [Buffer]
  const { url } = JSON.parse(line.toString()) as { url: string }
  return { link: url, process: child }
}
