/** What is to be run, and until when. */
export interface StartMessage {
  readonly kind: 'start'
  /** The program and its arguments. */
  readonly command: readonly string[]
  /** Between SIGTERM and SIGKILL. */
  readonly graceMs: number
  /** The end of the lease, by {@link monotonicMs}; `null`: it has none. */
  readonly deadlineMs: number | null
  /** SIGTERM comes this long before the deadline, SIGKILL at the deadline. */
  readonly leadMs: number
  /** The lock ends with the process that holds it, so that its end leaves no time for a grace. */
  readonly isLockGoneWithHolder: boolean
}

/** From the holder of the lock to the supervisor. */
export type ToSupervisor =
  | StartMessage
  /** The lease was renewed. */
  | { readonly kind: 'deadline'; readonly deadlineMs: number }
  | { readonly kind: 'signal'; readonly signal: NodeJS.Signals }
  /** SIGTERM, and SIGKILL after the grace. */
  | { readonly kind: 'end' }

/** Why a command was ended, if it did not end by itself. */
export type EndReason = 'asked' | 'deadline'

/** What became of the command. */
export interface CommandEnd {
  readonly code: number | null
  readonly signal: NodeJS.Signals | null
  readonly reason: EndReason | null
}

/** From the supervisor to the holder of the lock. */
export type FromSupervisor =
  | { readonly kind: 'started'; readonly pid: number }
  /** It was not started: the error of Node.js, such as ENOENT. */
  | { readonly kind: 'failed'; readonly code: string; readonly message: string }
  /** It was not started: the lease had ended before. */
  | { readonly kind: 'expired' }
  /** Nothing of it runs any more. */
  | ({ readonly kind: 'ended' } & CommandEnd)
