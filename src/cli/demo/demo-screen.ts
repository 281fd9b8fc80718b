import { openScreen, type Screen } from '../output/screen.ts'

/** Where the demo prints. A terminal is redrawn in place and coloured; a pipe or file gets plain lines. */
export interface DemoScreen extends Omit<Screen, 'columns'> {
  readonly columns: number
  /** In the colour of that worker. */
  paint(worker: number, text: string): string
}

export function openDemoScreen(): DemoScreen {
  const screen = openScreen()
  const { colors } = screen
  const palette = [colors.cyan, colors.yellow, colors.green, colors.magenta]
  return {
    ...screen,
    columns: screen.columns ?? 80,
    paint: (worker, text) => palette[(worker - 1) % palette.length]!(text),
  }
}
