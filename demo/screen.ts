import picocolors from 'picocolors'

/** Where the demo prints. A terminal is redrawn in place and coloured; a pipe or file gets plain lines. */
export interface Screen {
  readonly isLive: boolean
  readonly columns: number
  readonly colors: ReturnType<typeof picocolors.createColors>
  /** In the colour of that worker. */
  paint(worker: number, text: string): string
  print(text?: string): void
}

export function openScreen(output = process.stdout): Screen {
  const isLive = output.isTTY === true && process.env.TERM !== 'dumb'
  // https://no-color.org: any value but the empty one.
  const colors = picocolors.createColors(isLive && !process.env.NO_COLOR)
  const palette = [colors.cyan, colors.yellow, colors.green, colors.magenta]
  return {
    isLive,
    columns: output.columns || 80,
    colors,
    paint: (worker, text) => palette[(worker - 1) % palette.length]!(text),
    print: (text = '') => void output.write(`${text}\n`),
  }
}
