import { createRequire } from 'node:module'
import type { Browser } from 'playwright-core'
import type { TerminalPicture } from './terminal-pictures.ts'

const { resolve } = createRequire(import.meta.url)

const PAGE = `<!doctype html><meta charset="utf-8"><style>
  body { margin: 0; background: transparent; width: max-content }
  main { padding: 14px 18px 18px; border-radius: 9px; background: #16181d; }
  .xterm-viewport { overflow: hidden !important }
</style><main></main>`

/** Draws what a terminal shows after the output, with xterm.js, which obeys escape codes as a terminal does. */
export async function drawTerminal(
  browser: Browser,
  picture: TerminalPicture,
  output: string,
  file: string,
): Promise<void> {
  const context = await browser.newContext({ deviceScaleFactor: 1.5, viewport: { width: 1400, height: 900 } })
  const page = await context.newPage()
  await page.setContent(PAGE)
  await page.addStyleTag({ path: resolve('@xterm/xterm/css/xterm.css') })
  await page.addScriptTag({ path: resolve('@xterm/xterm') })
  const typed = `\u001B[32m$\u001B[0m verrou ${picture.args.join(' ')}\r\n`
  const isWhole = picture.rows !== undefined
  await page.locator('main').evaluate(writeToTerminal, {
    text: isWhole ? output : typed + output,
    columns: picture.columns,
    rows: picture.rows ?? null,
  })
  await page.locator('body').screenshot({ path: file, omitBackground: true })
  await context.close()
}

/** What of xterm.js is used, by its page. https://xtermjs.org/docs/api/terminal/classes/terminal/ */
interface Xterm {
  readonly buffer: {
    readonly active: {
      readonly length: number
      getLine(row: number): { translateToString(isTrimmed: boolean): string }
    }
  }
  open(parent: unknown): void
  write(text: string, done: () => void): void
  resize(columns: number, rows: number): void
}

interface Written {
  readonly text: string
  readonly columns: number
  /** `null`: as many as there is text. */
  readonly rows: number | null
}

/** Runs in the page. */
async function writeToTerminal(
  parent: { ownerDocument: { defaultView: unknown } },
  { text, columns, rows }: Written,
): Promise<void> {
  const { Terminal } = parent.ownerDocument.defaultView as { Terminal: new (options: object) => Xterm }
  const terminal = new Terminal({
    cols: columns,
    rows: rows ?? 200,
    scrollback: 0,
    fontSize: 13,
    fontFamily: 'DejaVu Sans Mono, monospace',
    cursorInactiveStyle: 'none',
    theme: {
      background: '#16181d',
      foreground: '#d9dce1',
      green: '#7ec98f',
      yellow: '#e5c07b',
      red: '#f0857c',
      cyan: '#6cc3d5',
      blue: '#7aa8f7',
    },
  })
  terminal.open(parent)
  await new Promise<void>((done) => terminal.write(`${text}\u001B[?25l`, done))
  if (rows === null) {
    const { active } = terminal.buffer
    let last = active.length
    while (last > 1 && active.getLine(last - 1).translateToString(true) === '') last--
    terminal.resize(columns, last)
  }
  // Drawn at the next frame.
  await new Promise((done) => setTimeout(done, 200))
}
