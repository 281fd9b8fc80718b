import { readdirSync, statSync } from 'node:fs'
import { join } from 'node:path'
import logUpdate from 'log-update'
import type { Progress } from './torture.ts'

const BAR = 30

/** One line of a log every so often, where nobody looks at a terminal. */
const LOG_EVERY_MS = 10_000

/** Shows how far it is, what is broken at the moment, and how much was written down. */
export class ProgressLine {
  readonly #durationMs: number
  #logAt = 0

  constructor(durationMs: number) {
    this.#durationMs = durationMs
  }

  show(progress: Progress): void {
    if (process.stdout.isTTY) {
      logUpdate(this.#text(progress))
    } else if (progress.elapsedMs >= this.#logAt) {
      this.#logAt = progress.elapsedMs + LOG_EVERY_MS
      console.log(this.#text(progress))
    }
  }

  done(): void {
    if (process.stdout.isTTY) logUpdate.done()
  }

  #text({ phase, elapsedMs, injection, folder }: Progress): string {
    const share = Math.min(1, elapsedMs / this.#durationMs)
    const full = Math.round(share * BAR)
    const seconds = `${Math.round(Math.min(elapsedMs, this.#durationMs) / 1000)} of ${Math.round(this.#durationMs / 1000)} s`
    const broken = injection?.active() ?? []
    const now = broken.length === 0 ? '' : `; now: ${[...new Set(broken)].join(', ')}`
    return `${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${seconds}, ${phase}, ${injection?.injected.length ?? 0} faults, ${megabytes(folder)} MB of history${now}`
  }
}

function megabytes(folder: string): string {
  const sizes = readdirSync(folder).map((name) => statSync(join(folder, name), { throwIfNoEntry: false })?.size ?? 0)
  return (sizes.reduce((sum, size) => sum + size, 0) / 1e6).toFixed(1)
}
