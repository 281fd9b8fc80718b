import { setTimeout as sleep } from 'node:timers/promises'
import { atDatabase } from './admin-database.ts'
import type { TortureDatabase } from './databases/torture-database.ts'
import type { Send } from './work/work-kind.ts'

const LOOK_EVERY_MS = 20

/** Looks at the database many times in a second, while it can be reached, on a connection of the torture's own. */
export class Sampling {
  readonly #database: TortureDatabase
  readonly #tableName: string
  readonly #look: (send: Send) => Promise<void>
  #isOver = false
  #looking: Promise<void> = Promise.resolve()

  /** @param look one look */
  constructor(database: TortureDatabase, tableName: string, look: (send: Send) => Promise<void>) {
    this.#database = database
    this.#tableName = tableName
    this.#look = look
  }

  start(): void {
    this.#looking = this.#lookAgainAndAgain()
  }

  async stop(): Promise<void> {
    this.#isOver = true
    await this.#looking
  }

  async #lookAgainAndAgain(): Promise<void> {
    while (!this.#isOver) {
      // The server is down, or another one has taken over: the next look goes where writes go then.
      await atDatabase(this.#database, this.#tableName, (send) => this.#lookOnAndOn(send)).catch(() => {})
      await sleep(LOOK_EVERY_MS)
    }
  }

  async #lookOnAndOn(send: Send): Promise<void> {
    const url = this.#database.adminUrl()
    while (!this.#isOver && this.#database.adminUrl() === url) {
      await this.#look(send)
      await sleep(LOOK_EVERY_MS)
    }
  }
}
