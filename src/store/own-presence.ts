import { presentAttempt } from '../dialects/presence-names.ts'
import type { LeaseRequest, Presence } from './lock-store.ts'

/** A presence of this process: a session of the database that has the lock of its name. The name is never used again. */
export class OwnPresence implements Presence {
  readonly #server: string
  readonly #name: string
  #isGone = false

  constructor(server: string, name: string) {
    this.#server = server
    this.#name = name
  }

  get isGone(): boolean {
    return this.#isGone
  }

  end(): void {
    this.#isGone = true
  }

  /** The same request, whose lease names this presence. */
  named(request: LeaseRequest): LeaseRequest {
    return { ...request, attempt: this.attempt(request.attempt) }
  }

  /** The attempt as its row has it. */
  attempt(attempt: string): string {
    return presentAttempt(this.#server, this.#name, attempt)
  }
}
