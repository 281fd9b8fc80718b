import type { SessionName } from '../dialects/session-dialect.ts'
import type { LeaseRequest } from './lock-store.ts'

/** Who asks for which name. */
export interface NameRequest extends Pick<LeaseRequest, 'key' | 'owner' | 'attempt'> {
  readonly name: SessionName
}

/** A name that this process has, is taking, or is giving back. */
export class NameEntry {
  readonly key: string
  readonly name: SessionName
  owner: string
  attempt: string
  token: number
  isHeld = false
  /** The session has ended. */
  isLost = false
  /** A release was sent, and an error came back: the server may have done it all the same. */
  mayBeReleased = false
  onLoss: (() => void) | undefined
  #settling: PromiseWithResolvers<void> | undefined

  constructor({ key, name, owner, attempt }: NameRequest, token: number) {
    this.key = key
    this.name = name
    this.owner = owner
    this.attempt = attempt
    this.token = token
  }

  /** Comes back when it is known what became of it. */
  settled(): Promise<void> {
    this.#settling ??= Promise.withResolvers()
    return this.#settling.promise
  }

  settle(): void {
    this.#settling?.resolve()
    this.#settling = undefined
  }
}
