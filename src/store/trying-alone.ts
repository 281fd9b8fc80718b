import { followingStep, type LockDialect, type TryAnswer, type TryStep } from '../dialects/dialect.ts'
import type { Answer, StatementInput } from '../statement.ts'
import type { SendStatement } from './after-look.ts'
import { FreedKeys } from './freed-keys.ts'
import type { LeaseRequest, TryOutcome } from './lock-store.ts'
import { outcomeOf } from './outcome-of.ts'
import { RowLocked } from './row-locked.ts'

/** What {@link TryingAlone} works with. */
export interface TryingAloneParts {
  send(dialect: LockDialect, ...rest: Parameters<SendStatement>): Promise<Answer>
  /** Frees what an answer that nobody understands has granted. */
  abandon(key: string, attempt: string): Promise<unknown>
  /** Somebody was granted a key. */
  granted(): void
}

type Input = Partial<StatementInput>

/** One try in statements of its own: as many of a dialect's steps as it takes. */
export class TryingAlone {
  readonly #parts: TryingAloneParts
  readonly #freed = new FreedKeys()

  constructor(parts: TryingAloneParts) {
    this.#parts = parts
  }

  async tryAcquire(dialect: LockDialect, request: LeaseRequest): Promise<TryOutcome> {
    const input: Input = { ...request }
    if (dialect.freedTry && this.#freed.take(request.key)) {
      const answer = await this.#take(dialect, dialect.freedTry, input)
      if (answer.kind === 'granted') return outcomeOf(answer)
    }
    const first = dialect.trySteps[0]
    for (let step = first; step; ) {
      const answer = await this.#take(dialect, step, input)
      if (answer.kind === 'open') {
        if (answer.found) Object.assign(input, answer.found)
        step = followingStep(dialect.trySteps, step, answer.next)
        continue
      }
      // What comes after the first step may have waited.
      return outcomeOf(answer, step !== first)
    }
    throw new TypeError('the last step of a try left it open')
  }

  /** This process has given the key back. */
  freed(key: string): void {
    this.#freed.add(key)
  }

  async #take(dialect: LockDialect, step: TryStep, input: Input): Promise<TryAnswer> {
    let answer: Answer
    try {
      answer = await this.#parts.send(dialect, step.statement, input)
    } catch (error) {
      if (error instanceof RowLocked) return { kind: 'locked' }
      throw error
    }
    try {
      const read = step.read(answer, input)
      if (read.kind === 'granted') this.#parts.granted()
      return read
    } catch (error) {
      // It was carried out, and nobody understands the answer: nobody will ever release what it has taken.
      const { key = '', attempt } = input
      if (attempt) await this.#parts.abandon(key, attempt).catch(() => {})
      throw error
    }
  }
}
