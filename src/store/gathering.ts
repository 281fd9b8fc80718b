/** More than this many are not sent together: what comes after them goes next. */
const MOST_TOGETHER = 500

interface Question<Input, Output> {
  readonly input: Input
  readonly resolve: (output: Output | Promise<Output>) => void
  readonly reject: (error: unknown) => void
}

/** How questions are sent. */
export interface Sending<Input, Output> {
  one(input: Input): Promise<Output>
  /** Answers each, in the same order; what it throws is everybody's answer. */
  many(inputs: readonly Input[]): Promise<readonly (Output | Promise<Output>)[]>
}

/** Questions that come while one is on its way leave together in the next one. One alone leaves at once. */
export class Gathering<Input, Output> {
  readonly #sending: Sending<Input, Output>
  readonly #waiting: Question<Input, Output>[] = []
  #isSending = false

  constructor(sending: Sending<Input, Output>) {
    this.#sending = sending
  }

  async ask(input: Input): Promise<Output> {
    if (this.#isSending) return new Promise((resolve, reject) => this.#waiting.push({ input, resolve, reject }))
    this.#isSending = true
    try {
      return await this.#sending.one(input)
    } finally {
      if (this.#waiting.length > 0) void this.#sendWaiting()
      else this.#isSending = false
    }
  }

  async #sendWaiting(): Promise<void> {
    while (this.#waiting.length > 0) {
      const together = this.#waiting.splice(0, MOST_TOGETHER)
      try {
        const outputs = await this.#sendAll(together.map(({ input }) => input))
        for (const [index, { resolve }] of together.entries()) resolve(outputs[index] as Output | Promise<Output>)
      } catch (error) {
        for (const { reject } of together) reject(error)
      }
    }
    this.#isSending = false
  }

  async #sendAll(inputs: readonly Input[]): Promise<readonly (Output | Promise<Output>)[]> {
    const [first, ...others] = inputs
    return first !== undefined && others.length === 0 ? [await this.#sending.one(first)] : this.#sending.many(inputs)
  }
}
