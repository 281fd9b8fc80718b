import { createLogUpdate } from 'log-update'

/** Says what is going on: one line that changes on a terminal, lines of a log elsewhere. On standard error: the results have the other one. */
export class Progress {
  readonly #isLive = process.stderr.isTTY === true
  readonly #update: ReturnType<typeof createLogUpdate>
  readonly #startMs = performance.now()
  #scenario = ''

  constructor() {
    this.#update = createLogUpdate(process.stderr)
  }

  begin(scenario: string): void {
    this.#scenario = scenario
    this.say('begins')
  }

  say(what: string): void {
    const seconds = Math.round((performance.now() - this.#startMs) / 1000)
    const line = `${String(seconds).padStart(5)} s  ${this.#scenario}  ${what}`
    if (this.#isLive) this.#update(line)
    else process.stderr.write(`${line}\n`)
  }

  /** Makes room for what is printed for good. */
  clear(): void {
    if (this.#isLive) this.#update.clear()
  }
}
