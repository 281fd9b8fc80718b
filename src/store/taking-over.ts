import type { Clock } from '../clock.ts'
import type { PresenceDialect, TakenOver } from '../dialects/dialect.ts'
import { errors } from '../errors.ts'
import type { OwnConnection, SqlExecutor } from '../executors/executor.ts'
import { asTrouble, StoreTrouble } from '../store-trouble.ts'
import type { SendStatement } from './after-look.ts'
import { Batcher } from './batcher.ts'
import type { LeaseRequest } from './lock-store.ts'
import type { SqlStore } from './sql-store.ts'

/** How long a statement may take. */
const ANSWER_MS = 5_000

/** What {@link TakingOver} is made of. */
export interface TakingOverParts {
  readonly store: Pick<SqlStore, 'say'>
  /** Not the caller's connections: there, what a waiter needs at once would stand behind the polls of all others. */
  readonly beside: OwnConnection
  readonly clock: Clock
}

/**
 * Takes keys over whose holders' presences are gone, after the ordinary try was refused. Those that come while a statement is on its way leave together in the
 * next one: a process that is gone may have left thousands.
 */
export class TakingOver {
  readonly #parts: TakingOverParts
  readonly #requests: Batcher<LeaseRequest, TakenOver | false>

  constructor(parts: TakingOverParts) {
    this.#parts = parts
    this.#requests = new Batcher({
      keyOf: ({ key }) => key,
      sendOne: async (request) => (await this.#send([request]))[0] ?? false,
      sendMany: async (requests) => (await this.#send(requests)).map((taken) => taken ?? false),
      lanes: 1,
    })
  }

  /**
   * @param request one whose attempt names the presence of this process
   * @returns `false`: the holder is present, or has no presence, or somebody has the row locked
   */
  take(request: LeaseRequest): Promise<TakenOver | false> {
    return this.#requests.send(request)
  }

  async #send(takeOvers: readonly LeaseRequest[]): Promise<(TakenOver | undefined)[]> {
    const { store, beside, clock } = this.#parts
    // Somebody waits for it, and the connection keeps no process alive.
    const stay = clock.after(2 * ANSWER_MS, () => {}, true)
    const sender: SqlExecutor = { execute: (wording, values) => beside.execute(wording, values, ANSWER_MS) }
    try {
      return await store.say(({ presence }, send) => takeOver(presence, takeOvers, send), sender)
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
