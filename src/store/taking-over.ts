import type { Clock } from '../clock.ts'
import type { PresenceDialect, TakenOver } from '../dialects/dialect.ts'
import { errors } from '../errors.ts'
import type { OwnConnection, SqlExecutor } from '../executors/executor.ts'
import { asTrouble, StoreTrouble } from '../store-trouble.ts'
import type { SendStatement } from './after-look.ts'
import type { LeaseRequest } from './lock-store.ts'
import type { SqlStore } from './sql-store.ts'

/** Take-overs of one statement. */
const MOST_AT_ONCE = 500
/** How long a statement may take. */
const ANSWER_MS = 5_000

/** What {@link TakingOver} is made of. */
export interface TakingOverParts {
  readonly store: Pick<SqlStore, 'say'>
  /** Not the caller's connections: there, what a waiter needs at once would stand behind the polls of all others. */
  readonly beside: OwnConnection
  readonly clock: Clock
}

interface Asked {
  readonly request: LeaseRequest
  answered(taken: TakenOver | undefined): void
  failed(error: unknown): void
}

/**
 * Takes keys over whose holders' presences are gone, after the ordinary try was refused. Those that come while statements are on their way leave together in the
 * next one: a process that is gone may have left thousands.
 */
export class TakingOver {
  readonly #parts: TakingOverParts
  #waiting: Asked[] = []
  #isUnderWay = false

  constructor(parts: TakingOverParts) {
    this.#parts = parts
  }

  /**
   * @param request one whose attempt names the presence of this process
   * @returns `undefined`: the holder is present, or has no presence, or somebody has the row locked
   */
  take(request: LeaseRequest): Promise<TakenOver | undefined> {
    return new Promise((answered, failed) => {
      this.#waiting.push({ request, answered, failed })
      if (!this.#isUnderWay) void this.#sendAll()
    })
  }

  async #sendAll(): Promise<void> {
    this.#isUnderWay = true
    // Those who come in the same moment are in it, too.
    await undefined
    while (this.#waiting.length > 0) await this.#send(this.#waiting.splice(0, MOST_AT_ONCE))
    this.#isUnderWay = false
  }

  async #send(asked: readonly Asked[]): Promise<void> {
    const { store, beside, clock } = this.#parts
    const takeOvers = asked.map(({ request }) => request)
    // Somebody waits for it, and the connection keeps no process alive.
    const stay = clock.after(2 * ANSWER_MS, () => {}, true)
    const sender: SqlExecutor = { execute: (wording, values) => beside.execute(wording, values, ANSWER_MS) }
    try {
      const answers = await store.say(({ presence }, send) => takeOver(presence, takeOvers, send), sender)
      for (const [index, { answered }] of asked.entries()) answered(answers[index])
    } catch (error) {
      for (const { failed } of asked) failed(error)
    } finally {
      stay()
    }
  }
}

async function takeOver(
  words: PresenceDialect | undefined,
  takeOvers: readonly LeaseRequest[],
  send: SendStatement,
): Promise<(TakenOver | undefined)[]> {
  if (!words) throw new errors.E_UNSUPPORTED('a presence needs the locks of sessions of Postgres, MySQL or MariaDB')
  const { takeOver, tookOver } = words.statements
  const answers = words.readTakeOver(await send(takeOver, { takeOvers }), takeOvers)
  if (answers) return answers
  if (!tookOver || !words.readTookOver) throw new TypeError('nothing tells what a take-over has granted')
  try {
    return words.readTookOver(await send(tookOver, { takeOvers }), takeOvers)
  } catch (error) {
    // Whatever happened to the question: what it was about has been carried out.
    throw new StoreTrouble('unanswered', asTrouble(error).cause)
  }
}
