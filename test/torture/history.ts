import { closeSync, openSync, readdirSync, readFileSync, writeSync } from 'node:fs'
import { join } from 'node:path'

/**
 * What a worker writes down. Every line is written before what it announces is done, or after what it reports was done, so
 * that a worker which dies at any moment has never done anything that it did not announce.
 */
export type HistoryEvent = HistoryLine & {
  /** Microseconds of the machine's monotonic clock, which all processes of the machine share and no skew moves. */
  readonly t: number
  /** The process: worker and incarnation, `3.2`. Added when a history is read. */
  readonly process: string
}

type HistoryLine =
  /** A call that may be granted. `waitMs` is the longest it waits: 0 tries once. */
  | {
      readonly e: 'ask'
      readonly op: string
      readonly key: string
      readonly owner: string | null
      readonly waitMs: number
    }
  /**
   * It was granted, and so much is left of the lease (`null`: it does not end by itself). `tentative`: in a transaction that has not yet
   * been committed.
   */
  | {
      readonly e: 'granted'
      readonly op: string
      readonly key: string
      readonly token: number
      readonly leftMs: number | null
      readonly tentative?: true
    }
  | { readonly e: 'refused'; readonly op: string }
  | { readonly e: 'failed'; readonly op: string; readonly code: string; readonly message: string }
  /** A holder asked its lock at this moment whether it still holds, and it said yes, for so long. */
  | { readonly e: 'alive'; readonly key: string; readonly token: number; readonly leftMs: number | null }
  /** A holder was told that it has lost the lock, or that it cannot be known. */
  | { readonly e: 'lost'; readonly key: string; readonly token: number; readonly code: string }
  /** A hold is about to be given up, by this process. */
  | { readonly e: 'release'; readonly key: string; readonly token: number }
  | { readonly e: 'released'; readonly key: string; readonly token: number; readonly code: string }
  /** Whoever holds the key is about to be thrown out. */
  | { readonly e: 'force'; readonly key: string }
  /** A number is about to be written, in a transaction. */
  | { readonly e: 'writes'; readonly op: string; readonly counter: string; readonly value: number }
  /** A transaction is about to be committed. */
  | { readonly e: 'commit'; readonly op: string }
  | { readonly e: 'committed'; readonly op: string }
  | { readonly e: 'rolled back'; readonly op: string; readonly code: string }
  /** An operation is over, whatever came of it. */
  | { readonly e: 'done'; readonly op: string; readonly work: string }
  /** How far the process's time of day is from the real one, in milliseconds, as the process sees it. */
  | { readonly e: 'clock'; readonly wall: number }
  /** The process has been idle between two beats for longer than it slept: it was paused or blocked. */
  | { readonly e: 'stalled'; readonly forMs: number }
  /** A session lock was granted. What becomes of it has the name of the operation: it has no token. */
  | { readonly e: 'session granted'; readonly op: string; readonly key: string }
  /** Its holder asked it at this moment whether it still holds, and it said yes. */
  | { readonly e: 'session alive'; readonly op: string; readonly key: string }
  /** Its holder was told that the session has ended. */
  | { readonly e: 'session lost'; readonly op: string; readonly key: string; readonly code: string }
  /** It is about to be given up. */
  | { readonly e: 'session release'; readonly op: string; readonly key: string }
  | { readonly e: 'session released'; readonly op: string; readonly key: string; readonly code: string }
  /** A process has begun. `isPresent`: its leases end with it. */
  | { readonly e: 'began'; readonly isPresent: boolean }
  /** It was told that its presence is gone, and with it all leases that named it. */
  | { readonly e: 'presence gone' }
  /** Everything was closed in good order. */
  | { readonly e: 'closed' }

/** Microseconds of the clock that all processes of the machine share. */
export function sharedTime(): number {
  return Number(process.hrtime.bigint() / 1_000n)
}

/** Writes a history, each line at once: what was written before a SIGKILL stays. */
export class HistoryWriter {
  readonly #file: number

  constructor(folder: string, process: string) {
    this.#file = openSync(join(folder, `${process}.jsonl`), 'a')
  }

  write(line: HistoryLine, t = sharedTime()): void {
    writeSync(this.#file, `${JSON.stringify({ t, ...line })}\n`)
  }

  close(): void {
    closeSync(this.#file)
  }
}

/** All histories of a folder, in the order of time. */
export function readHistories(folder: string): HistoryEvent[] {
  const files = readdirSync(folder).filter((name) => name.endsWith('.jsonl'))
  return files.flatMap((name) => readHistory(join(folder, name), name.replace('.jsonl', ''))).sort((a, b) => a.t - b.t)
}

function readHistory(path: string, process: string): HistoryEvent[] {
  const lines = readFileSync(path, 'utf8').split('\n')
  // After the last newline is nothing, or the half line of a process that is writing or was killed.
  return lines.slice(0, -1).map((line) => ({ ...JSON.parse(line), process }))
}
