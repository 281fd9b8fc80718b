import logUpdate from 'log-update'
import { ACTS, type Act, SEATS, WORKERS } from './acts.ts'
import type { DemoScreen } from './demo-screen.ts'
import { nowMs } from './now-ms.ts'

const REDRAW_EVERY_MS = 80
const LINE_EVERY_MS = 1_000

/** Shows an act while it is played: a bar for each worker, or, where nothing can be redrawn, a line now and then. */
export class Progress {
  readonly #screen: DemoScreen
  readonly #sales = new Array<number>(WORKERS)
  readonly #remarks = new Array<string>(WORKERS)
  #startedAtMs = 0
  #timer: NodeJS.Timeout | undefined

  constructor(screen: DemoScreen) {
    this.#screen = screen
  }

  start({ number, title, explanation }: Act): void {
    const { colors, isTerminal, print } = this.#screen
    this.#sales.fill(0)
    this.#remarks.fill('')
    this.#startedAtMs = nowMs()
    print(`${colors.bold(`Act ${number} of ${ACTS.length}: ${title}`)}\n${explanation}`)
    this.#timer = setInterval(() => this.#show(), isTerminal ? REDRAW_EVERY_MS : LINE_EVERY_MS)
  }

  noteSale(worker: number): void {
    this.#sales[worker - 1]!++
  }

  /** Something to say about a worker. */
  remark(worker: number, text: string): void {
    this.#remarks[worker - 1] = text
    if (!this.#screen.isTerminal) this.#screen.print(`  worker ${worker} ${text}`)
  }

  /** Ends the act, and leaves its last picture on the screen. Does nothing between acts. */
  stop(): void {
    if (!this.#timer) return
    clearInterval(this.#timer)
    this.#timer = undefined
    this.#show()
    if (this.#screen.isTerminal) logUpdate.done()
  }

  #show(): void {
    const { colors, isTerminal, print } = this.#screen
    const seconds = ((nowMs() - this.#startedAtMs) / 1000).toFixed(1)
    const total = `  ${seconds} s: ${this.#sales.reduce((sum, one) => sum + one)} tickets sold for ${SEATS} seats`
    if (isTerminal) logUpdate([...this.#bars(), colors.dim(total)].join('\n'))
    else print(total)
  }

  #bars(): string[] {
    const { colors, columns, paint } = this.#screen
    // The same scale in all acts: without a lock, a single worker may sell almost as many tickets as there are seats.
    const cellsPerTicket = (columns - 26) / SEATS
    return this.#sales.map((tickets, index) => {
      const bar = '█'.repeat(Math.max(0, Math.round(tickets * cellsPerTicket)))
      return `  worker ${index + 1} ${paint(index + 1, bar)} ${tickets} ${colors.red(this.#remarks[index]!)}`
    })
  }
}
