import type { LockDialect, TryAnswer, TryStep } from '../dialects/dialect.ts'
import type { Answer, Statement, StatementInput } from '../statement.ts'
import { Batcher, type Unanswered } from './batcher.ts'
import type { LeaseHold, LeaseRequest, LeaseStore, TryOutcome } from './lock-store.ts'
import { outcomeOf } from './outcome-of.ts'

/** A statement, and the values that it is sent with. */
export interface FilledStatement {
  readonly statement: Statement
  readonly input: Partial<StatementInput>
}

/** Chooses what to write, by what was seen. */
export type WritesAfter = (looked: readonly Answer[]) => readonly FilledStatement[]

/** What {@link CallsInTransaction} works with. */
export interface CallsInTransactionParts {
  dialect(): LockDialect | Promise<LockDialect>
  /**
   * Looks, and at the same moment writes, in one transaction: all of it is done, or nothing.
   *
   * @returns the answers of what was written, in the same order
   */
  lookAndWrite(dialect: LockDialect, looks: readonly FilledStatement[], writesAfter: WritesAfter): Promise<Answer[]>
  /** The same calls, each in a transaction of its own. */
  readonly alone: Pick<LeaseStore, 'tryAcquire' | 'release'>
  /** Gives back what a try may have taken whose answer nobody understands. */
  abandon(key: string, attempt: string): Promise<unknown>
  /** A lease was granted. */
  granted(): void
}

type Call = { readonly request: LeaseRequest } | { readonly hold: LeaseHold }
type Outcome = TryOutcome | boolean

/**
 * Tries and releases that come at the same moment, in one transaction with a statement for each: what takes time is not the statements, but the disk
 * that every transaction waits for. For SQLite, which has one writer at a time anyway.
 */
export class CallsInTransaction implements Pick<LeaseStore, 'tryAcquire' | 'release'> {
  readonly #parts: CallsInTransactionParts
  readonly #calls: Batcher<Call, Outcome>

  constructor(parts: CallsInTransactionParts) {
    this.#parts = parts
    this.#calls = new Batcher<Call, Outcome>({
      keyOf: (call) => ('request' in call ? call.request : call.hold).key,
      sendOne: (call) => this.#sendOne(call),
      sendMany: (calls) => this.#sendMany(calls),
      lanes: 1,
    })
  }

  async tryAcquire(request: LeaseRequest): Promise<TryOutcome> {
    return (await this.#calls.send({ request })) as TryOutcome
  }

  async release(hold: LeaseHold): Promise<boolean> {
    return (await this.#calls.send({ hold })) as boolean
  }

  async #sendOne(call: Call): Promise<Outcome> {
    const [outcome = 'alone'] = await this.#sendMany([call])
    if (outcome !== 'alone' && outcome !== 'later') return outcome
    const { alone } = this.#parts
    return 'request' in call ? alone.tryAcquire(call.request) : alone.release(call.hold)
  }

  async #sendMany(calls: readonly Call[]): Promise<(Outcome | Unanswered)[]> {
    const dialect = await this.#parts.dialect()
    const outcomes: (Outcome | Unanswered)[] = calls.map(() => 'alone')
    const [look, take] = dialect.trySteps
    if (!look || !take) return outcomes
    const tries = calls.flatMap((call, place) => ('request' in call ? [{ place, request: call.request }] : []))
    const holds = calls.flatMap((call, place) => ('hold' in call ? [{ place, hold: call.hold }] : []))
    const { release } = dialect.statements

    let open = tries
    const looks = tries.map(({ request }) => ({ statement: look.statement, input: request }))
    const answers = await this.#parts.lookAndWrite(dialect, looks, (looked) => {
      open = tries.filter(({ place }, n) => {
        const seen = readTry(look, looked[n])
        if (seen !== undefined && seen.kind !== 'open') outcomes[place] = this.#outcomeOf(seen)
        return seen?.kind === 'open'
      })
      return [
        ...open.map(({ request }) => ({ statement: take.statement, input: request })),
        ...holds.map(({ hold }) => ({ statement: release, input: hold })),
      ]
    })
    for (const [n, { place, request }] of open.entries()) {
      const tried = readTry(take, answers[n])
      if (tried === undefined) await this.#parts.abandon(request.key, request.attempt).catch(() => {})
      else outcomes[place] = this.#outcomeOf(tried)
    }
    for (const [n, { place }] of holds.entries()) {
      outcomes[place] = (answers[open.length + n]?.affectedRows ?? 0) > 0
    }
    return outcomes
  }

  #outcomeOf(answer: TryAnswer): TryOutcome {
    if (answer.kind === 'granted') this.#parts.granted()
    return outcomeOf(answer)
  }
}

/** `undefined`: nobody understands it, and the try must be sent alone. It does not fail the others. */
function readTry(step: TryStep, answer: Answer | undefined): TryAnswer | undefined {
  try {
    return answer && step.read(answer, {})
  } catch {
    return undefined
  }
}
