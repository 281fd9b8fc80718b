import { spawn } from 'node:child_process'
import { join } from 'node:path'
import { REPOSITORY } from '../repository.ts'
import type { TerminalPicture } from './terminal-pictures.ts'

/** The command, as it is run without a build. */
export const VERROU = join(REPOSITORY, 'src/cli/main.ts')

/** Where a program that has drawn on the second screen goes back to the first one. */
const LEAVE = '\u001B[?1049l'
const ANY_ROWS = 200

/** Runs the command in a terminal of its own, made by script(1). @returns all that it wrote there, escape codes and all, up to what it leaves behind */
export async function runInTerminal(picture: TerminalPicture, folder: string): Promise<string> {
  const { args, columns, rows = ANY_ROWS, typed } = picture
  const command = `stty cols ${columns} rows ${rows}; exec "${process.execPath}" "${VERROU}" ${args.join(' ')}`
  const child = spawn('script', ['-qefc', command, '/dev/null'], {
    cwd: folder,
    env: { PATH: process.env.PATH, HOME: process.env.HOME, TERM: 'xterm-256color', LANG: 'C.UTF-8' },
  })
  let output = ''
  let typing: NodeJS.Timeout | undefined
  child.stdout.setEncoding('utf8').on('data', (text) => {
    output += text
    if (!typed || typing || !output.includes(typed.after)) return
    typing = setTimeout(() => child.stdin.write(typed.text), typed.delayMs)
  })
  await new Promise((resolve) => child.on('close', resolve))
  clearTimeout(typing)
  const end = output.lastIndexOf(LEAVE)
  return (end < 0 ? output : output.slice(0, end)).trimEnd()
}
