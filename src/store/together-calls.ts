import type { LockDialect, TogetherDialect, TogetherTryAnswer } from '../dialects/dialect.ts'
import type { Answer, Statement, StatementInput } from '../statement.ts'
import { StoreTrouble } from '../store-trouble.ts'
import { Batcher, type Unanswered } from './batcher.ts'
import type { LeaseHold, LeaseRequest, LeaseStore, TryOutcome } from './lock-store.ts'
import { outcomeOf } from './outcome-of.ts'

/** What {@link TogetherCalls} works with. */
export interface TogetherCallsParts {
  dialect(): LockDialect | Promise<LockDialect>
  send(dialect: LockDialect, statement: Statement, input: Partial<StatementInput>): Promise<Answer>
  /** The same calls, each in a statement of its own. */
  readonly alone: Pick<LeaseStore, 'tryAcquire' | 'release'>
  /** Gives back what a try may have taken whose answer nobody understands. */
  abandon(key: string, attempt: string): Promise<unknown>
  /** A lease was granted. */
  granted(): void
}

/** Tries and releases that come at the same moment, each kind in one statement. */
export class TogetherCalls implements Pick<LeaseStore, 'tryAcquire' | 'release'> {
  readonly #parts: TogetherCallsParts
  readonly #tries: Batcher<LeaseRequest, TryOutcome>
  readonly #releases: Batcher<LeaseHold, boolean>

  constructor(parts: TogetherCallsParts) {
    this.#parts = parts
    const { alone } = parts
    this.#tries = new Batcher({
      keyOf: ({ key }) => key,
      sendOne: (request) => alone.tryAcquire(request),
      sendMany: (requests) => this.#tryAll(requests),
      isEverybodys: isRefusal,
      // What it may hold itself is no refusal for it.
      canShare: ({ isRepeated = false }) => !isRepeated,
    })
    this.#releases = new Batcher({
      keyOf: ({ key }) => key,
      sendOne: (hold) => alone.release(hold),
      sendMany: (holds) => this.#releaseAll(holds),
    })
  }

  tryAcquire(request: LeaseRequest): Promise<TryOutcome> {
    return this.#tries.send(request)
  }

  release(hold: LeaseHold): Promise<boolean> {
    return this.#releases.send(hold)
  }

  async #tryAll(tries: readonly LeaseRequest[]): Promise<(TryOutcome | Unanswered)[]> {
    const dialect = await this.#parts.dialect()
    const { together } = dialect
    if (!together) return tries.map(() => 'alone')
    const answer = await this.#parts.send(dialect, together.acquire, { tries })
    try {
      const answers = together.readAcquire(answer, tries) ?? (await this.#look(dialect, together, tries, answer))
      return answers.map((one) => this.#outcomeOf(one))
    } catch (error) {
      // It was carried out, and only the look failed: each caller finds out by asking again, which must not be left out.
      if (error instanceof StoreTrouble)
        throw error.mayHaveHappened ? error : new StoreTrouble('unanswered', error.cause)
      // Nobody understands the answer: nobody will ever release what it has taken.
      await Promise.allSettled(tries.map(({ key, attempt }) => this.#parts.abandon(key, attempt)))
      throw error
    }
  }

  async #look(
    dialect: LockDialect,
    { look }: TogetherDialect,
    tries: readonly LeaseRequest[],
    acquired: Answer,
  ): Promise<readonly TogetherTryAnswer[]> {
    if (!look) throw new TypeError('many tries were left open')
    return look.read(await this.#parts.send(dialect, look.statement, { tries }), tries, acquired)
  }

  #outcomeOf(answer: TogetherTryAnswer): TryOutcome | Unanswered {
    if (answer.kind === 'alone' || answer.kind === 'later') return answer.kind
    if (answer.kind === 'granted') this.#parts.granted()
    return outcomeOf(answer)
  }

  async #releaseAll(holds: readonly LeaseHold[]): Promise<(boolean | Unanswered)[]> {
    const dialect = await this.#parts.dialect()
    const { together } = dialect
    if (!together) return holds.map(() => 'alone')
    const answers = together.readRelease(await this.#parts.send(dialect, together.release, { holds }), holds)
    return answers.map((isReleased) => isReleased ?? 'alone')
  }
}

/** A key that somebody holds is refused to all who came before it was asked for. */
function isRefusal(outcome: TryOutcome): boolean {
  return !outcome.granted && outcome.isUncertain !== true
}
