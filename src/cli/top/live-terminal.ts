import { emitKeypressEvents } from 'node:readline'
import { createLogUpdate } from 'log-update'

/** A key of the keyboard, as Node.js names it. */
interface Keypress {
  readonly name?: string
  readonly ctrl?: boolean
}

/** The terminal's second screen: what was on the first one is there again afterwards. https://invisible-island.net/xterm/ctlseqs/ctlseqs.html */
const ENTER = '\u001B[?1049h\u001B[2J\u001B[H'
const LEAVE = '\u001B[?1049l'
const CLEAR = '\u001B[2J\u001B[H'

/** The whole terminal, drawn in place, with its keys. Must be closed, whatever happens: a terminal stays as it is left. */
export class LiveTerminal implements Disposable {
  readonly #input = process.stdin
  readonly #output = process.stdout
  readonly #update = createLogUpdate(process.stdout)
  readonly #onKey: (key: string) => void
  readonly #redraw: () => void
  readonly #hear = (_text: string, { name, ctrl }: Keypress) => this.#onKey(ctrl ? `ctrl-${name}` : (name ?? ''))
  readonly #resize = () => {
    this.#output.write(CLEAR)
    // Forgets the lines that it has drawn: they have been wrapped anew since.
    this.#update.done()
    this.#redraw()
  }

  /**
   * @param onKey called with `q`, `ctrl-c`
   * @param redraw called when the terminal has another size
   */
  constructor(onKey: (key: string) => void, redraw: () => void) {
    this.#onKey = onKey
    this.#redraw = redraw
    this.#output.write(ENTER)
    this.#output.on('resize', this.#resize)
    if (!this.#input.isTTY) return
    emitKeypressEvents(this.#input)
    this.#input.setRawMode(true)
    this.#input.on('keypress', this.#hear)
    this.#input.resume()
  }

  get rows(): number {
    return this.#output.rows || 24
  }

  draw(frame: string): void {
    this.#update(frame)
  }

  [Symbol.dispose](): void {
    this.#output.off('resize', this.#resize)
    this.#update.done()
    this.#output.write(LEAVE)
    if (!this.#input.isTTY) return
    this.#input.off('keypress', this.#hear)
    this.#input.setRawMode(false)
    this.#input.pause()
  }
}
