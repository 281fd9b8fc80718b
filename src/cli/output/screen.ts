import picocolors from 'picocolors'

/** Where the answer is printed: a terminal has colours and a width, a pipe or a file gets plain lines. */
export interface Screen {
  readonly isTerminal: boolean
  /** `undefined`: lines are as long as they are. */
  readonly columns: number | undefined
  readonly colors: ReturnType<typeof picocolors.createColors>
  print(text?: string): void
}

/** Of standard output. Colours follow https://no-color.org: any value of NO_COLOR but the empty one turns them off. */
export function openScreen(output = process.stdout): Screen {
  const isTerminal = output.isTTY === true && process.env.TERM !== 'dumb'
  return {
    isTerminal,
    columns: output.isTTY === true ? output.columns || 80 : undefined,
    colors: picocolors.createColors(isTerminal && !process.env.NO_COLOR),
    print: (text = '') => void output.write(`${text}\n`),
  }
}
