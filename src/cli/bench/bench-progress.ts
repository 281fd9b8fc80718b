import { Presets, SingleBar } from 'cli-progress'

/** How far a measurement is, on standard error; nothing where that is no terminal. */
export class BenchProgress implements Disposable {
  readonly #bar: SingleBar | undefined
  readonly #timer: NodeJS.Timeout | undefined
  readonly #startedAtMs = performance.now()

  constructor(totalSeconds: number) {
    if (!process.stderr.isTTY) return
    const format = 'measuring {bar} {percentage} %  {what}'
    this.#bar = new SingleBar(
      { format, stream: process.stderr, clearOnComplete: true, hideCursor: true },
      Presets.shades_classic,
    )
    this.#bar.start(totalSeconds, 0, { what: '' })
    this.#timer = setInterval(
      () => this.#bar?.update(Math.min(totalSeconds, (performance.now() - this.#startedAtMs) / 1000)),
      100,
    )
  }

  begin(what: string): void {
    this.#bar?.update({ what })
  }

  [Symbol.dispose](): void {
    clearInterval(this.#timer)
    this.#bar?.stop()
  }
}
