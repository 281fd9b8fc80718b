import { NotRun } from './not-run.ts'
import { makePlace } from './places/make-place.ts'
import type { Place, PlaceName } from './places/place.ts'
import type { Progress } from './report/progress.ts'
import { BenchServers } from './servers/bench-servers.ts'

/** How long, and how often. */
export interface Settings {
  /** Measured time of one turn. */
  readonly seconds: number
  readonly rounds: number
  /** Fewer rows, waiters and cycles: to see whether it works, not how fast it is. */
  readonly isQuick: boolean
}

/** What a scenario needs. */
export class Bench implements AsyncDisposable {
  readonly settings: Settings
  readonly progress: Progress
  /** The user has had enough. */
  readonly signal: AbortSignal
  readonly servers = new BenchServers()

  constructor(settings: Settings, progress: Progress, signal: AbortSignal) {
    this.settings = settings
    this.progress = progress
    this.signal = signal
  }

  /** @throws NotRun where there is no such server. */
  async place(name: PlaceName): Promise<Place> {
    this.progress.say(`making a place on ${name}`)
    return await makePlace(this.servers, name)
  }

  /** For those whom a scenario can do without. */
  async placeOrReason(name: PlaceName, open: AsyncDisposableStack): Promise<Place | NotRun> {
    try {
      return open.use(await this.place(name))
    } catch (error) {
      if (error instanceof NotRun) return error
      throw error
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    await this.servers.stop()
  }
}
