import { createInterface } from 'node:readline/promises'
import { CliError } from '../cli-error.ts'

/**
 * Asks before something that cannot be taken back. `--yes` answers for scripts.
 *
 * @throws CliError `USAGE` where nobody can be asked; `NO` for any answer but y or yes
 */
export async function confirm(question: string, isYes: boolean | undefined): Promise<void> {
  if (isYes) return
  if (!process.stdin.isTTY) throw new CliError('USAGE', `${question} Nobody can be asked here: add --yes`)
  const terminal = createInterface({ input: process.stdin, output: process.stderr })
  // Ctrl-C and Ctrl-D answer, too.
  const answer = await Promise.race([
    terminal.question(`${question} (y/N) `),
    new Promise<string>((resolve) => terminal.once('close', () => resolve(''))),
  ])
  terminal.close()
  if (!/^y(es)?$/i.test(answer.trim())) throw new CliError('NO', 'nothing was done')
}
