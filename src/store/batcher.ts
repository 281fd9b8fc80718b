import { errors } from '../errors.ts'
import { asTrouble } from '../store-trouble.ts'

/** What a {@link Batcher} sends, and how. */
export interface BatcherParts<Call, Outcome extends object | boolean> {
  /** What a call is about: the order of those with one key counts. */
  keyOf(call: Call): string
  /** A call that is alone, or that a batch could not answer. */
  sendOne(call: Call): Promise<Outcome>
  /**
   * Several calls in one statement: all of it is done, or nothing.
   *
   * @returns an outcome for each, in the same order
   */
  sendMany(calls: readonly Call[]): Promise<readonly (Outcome | Unanswered)[]>
  /**
   * Whether an outcome is that of everybody who asked with the same key before the statement was sent: what was true then was true for them. Missing: each
   * is asked for by itself.
   */
  isEverybodys?(outcome: Outcome): boolean
  /** Whether a call may have such an outcome of another one. Missing: every call may. */
  canShare?(call: Call): boolean
  /** Statements on their way at the same time. Default: 2, so that the database works on one, while this process reads the answer of the other. */
  readonly lanes?: number
}

/** Nothing was done for this call: only a statement of its own can tell why (`alone`), or there were too many of its kind in one (`later`). */
export type Unanswered = 'alone' | 'later'

const LANES = 2
/** What takes longer waits for a row, or for a connection that is dead: it keeps nobody else from sending. */
const STUCK_MS = 20
/** After so long without an answer there may never be one: those that come later with the same key are sent before it is there. */
const LOST_MS = 1_000
/** Postgres tells of an error before it lets go of what the statement had locked: those that are sent again at once could meet their own locks. */
const LET_GO_MS = 5
/** Stuck ones included. As many as this are more than any pool has connections for. */
const MOST_ON_THEIR_WAY = 64
/** Keys in one statement: enough to make the round trip cheap, few enough that no one waits long for the others. */
const MOST_TOGETHER = 256
/**
 * So many that wait while several lanes are free leave on all of them: this process reads the answers of some while the database works on the
 * others. Fewer are cheaper in one statement.
 */
const WORTH_SPLITTING = 128

interface Waiting<Call, Outcome> {
  readonly call: Call
  readonly resolve: (outcome: Outcome | Promise<Outcome>) => void
  readonly reject: (error: unknown) => void
  /** Those with the same key who came later, and before it was sent. */
  followers?: Waiting<Call, Outcome>[] | undefined
}

/**
 * Sends calls that come at the same moment in one statement. A call that is alone is sent at once; those that come while the lanes are taken
 * leave together in the next statement. Each is answered as if it had been sent by itself: where a batch fails and nothing of it was done, every call
 * is sent again alone, so that one that cannot work does not fail the others; where nobody knows, each caller finds out by its own key.
 */
export class Batcher<Call, Outcome extends object | boolean> {
  readonly #parts: BatcherParts<Call, Outcome>
  readonly #lanes: number
  #queue: Waiting<Call, Outcome>[] = []
  readonly #keysOnTheirWay = new Set<string>()
  #lanesTaken = 0
  #onTheirWay = 0
  #isFlushPlanned = false

  constructor(parts: BatcherParts<Call, Outcome>) {
    this.#parts = parts
    this.#lanes = parts.lanes ?? LANES
  }

  send(call: Call): Promise<Outcome> {
    return new Promise((resolve, reject) => {
      this.#queue.push({ call, resolve, reject })
      this.#planFlush()
    })
  }

  /** When whatever runs now has come to its end, and with it all that was waiting for the same answer: they all send their next call in this turn. */
  #planFlush(): void {
    if (this.#isFlushPlanned || this.#lanesTaken >= this.#lanes) return
    this.#isFlushPlanned = true
    process.nextTick(() => {
      this.#isFlushPlanned = false
      this.#flush()
    })
  }

  #flush(): void {
    while (this.#lanesTaken < this.#lanes && this.#onTheirWay < MOST_ON_THEIR_WAY) {
      const batch = this.#nextBatch()
      if (batch.length === 0) return
      void this.#occupyLane(batch)
    }
  }

  /** The oldest calls, each with a key of its own that no statement on its way has: of two with one key, the earlier one is answered first. */
  #nextBatch(): Waiting<Call, Outcome>[] {
    const waiting = this.#queue
    const batch: Waiting<Call, Outcome>[] = []
    const later: Waiting<Call, Outcome>[] = []
    const leaders = new Map<string, Waiting<Call, Outcome>>()
    const most = this.#mostInNext()
    let seen = 0
    for (; seen < waiting.length && batch.length < most; seen++) {
      const one = waiting[seen] as Waiting<Call, Outcome>
      const key = this.#parts.keyOf(one.call)
      const leader = leaders.get(key)
      if (leader && this.#parts.canShare?.(one.call) !== false) follow(leader, one)
      else if (this.#keysOnTheirWay.has(key)) later.push(one)
      else {
        this.#keysOnTheirWay.add(key)
        if (this.#parts.isEverybodys) leaders.set(key, one)
        batch.push(one)
      }
    }
    this.#queue = seen === waiting.length ? later : [...later, ...waiting.slice(seen)]
    return batch
  }

  #mostInNext(): number {
    const waiting = this.#queue.length
    if (waiting < WORTH_SPLITTING) return MOST_TOGETHER
    return Math.min(MOST_TOGETHER, Math.ceil(waiting / (this.#lanes - this.#lanesTaken)))
  }

  async #occupyLane(batch: readonly Waiting<Call, Outcome>[]): Promise<void> {
    let isInLane = true
    const leaveLane = () => {
      if (isInLane) this.#lanesTaken--
      isInLane = false
    }
    this.#lanesTaken++
    this.#onTheirWay++
    const stuck = after(STUCK_MS, () => {
      leaveLane()
      this.#flush()
    })
    const forgetKeys = this.#holdKeys(batch)
    const alone = await this.#answer(batch)
    clearTimeout(stuck)
    forgetKeys()
    leaveLane()
    this.#onTheirWay--
    for (const one of alone) void this.#answerInTurn(one)
    if (this.#queue.length > 0) this.#planFlush()
  }

  /** One that is sent alone after its batch: those that come later with its key still wait for it. */
  async #answerInTurn(one: Waiting<Call, Outcome>): Promise<void> {
    this.#keysOnTheirWay.add(this.#parts.keyOf(one.call))
    const forgetKey = this.#holdKeys([one])
    await this.#answerAlone(one)
    forgetKey()
    if (this.#queue.length > 0) this.#planFlush()
  }

  /** Others with these keys wait, but not for ever. @returns to be called when they need not any more */
  #holdKeys(calls: readonly Waiting<Call, Outcome>[]): () => void {
    let areHeld = true
    const forget = () => {
      clearTimeout(lost)
      if (areHeld) for (const { call } of calls) this.#keysOnTheirWay.delete(this.#parts.keyOf(call))
      areHeld = false
    }
    const lost = after(LOST_MS, () => {
      forget()
      for (const one of calls) this.#queueFollowers(one)
      this.#flush()
    })
    return forget
  }

  /** Never rejects: whatever happens is told to the callers. @returns those that are to be sent alone now */
  async #answer(batch: readonly Waiting<Call, Outcome>[]): Promise<readonly Waiting<Call, Outcome>[]> {
    const [first] = batch
    if (batch.length === 1 && first) {
      await this.#answerAlone(first)
      return []
    }
    try {
      return this.#tell(batch, await this.#parts.sendMany(batch.map(({ call }) => call)))
    } catch (error) {
      if (!concernsAll(error)) {
        await sleep(LET_GO_MS)
        return batch
      }
      for (const one of batch) rejectAll(one, error)
      return []
    }
  }

  #tell(
    batch: readonly Waiting<Call, Outcome>[],
    outcomes: readonly (Outcome | Unanswered)[],
  ): readonly Waiting<Call, Outcome>[] {
    const later: Waiting<Call, Outcome>[] = []
    const alone: Waiting<Call, Outcome>[] = []
    for (const [index, one] of batch.entries()) {
      const outcome = outcomes[index] ?? 'alone'
      if (outcome === 'later') later.push(one)
      else if (outcome === 'alone') alone.push(one)
      else this.#settle(one, outcome)
    }
    if (later.length > 0) this.#queue = [...later, ...this.#queue]
    return alone
  }

  async #answerAlone(one: Waiting<Call, Outcome>): Promise<void> {
    try {
      this.#settle(one, await this.#parts.sendOne(one.call))
    } catch (error) {
      rejectAll(one, error)
    }
  }

  #settle(one: Waiting<Call, Outcome>, outcome: Outcome): void {
    one.resolve(outcome)
    if (!one.followers) return
    if (this.#parts.isEverybodys?.(outcome)) for (const { resolve } of one.followers) resolve(outcome)
    else this.#queueFollowers(one)
  }

  /** Each asks for itself after all, in the order in which they came. */
  #queueFollowers(one: Waiting<Call, Outcome>): void {
    if (one.followers) this.#queue = [...one.followers, ...this.#queue]
    one.followers = undefined
  }
}

/** Keeps no process alive: whoever waits for the answer does, or nobody. */
function after(delayMs: number, ring: () => void): NodeJS.Timeout {
  return setTimeout(ring, delayMs).unref()
}

function sleep(ms: number): Promise<void> {
  return new Promise((resolve) => {
    setTimeout(resolve, ms)
  })
}

function follow<Call, Outcome>(leader: Waiting<Call, Outcome>, one: Waiting<Call, Outcome>): void {
  if (leader.followers) leader.followers.push(one)
  else leader.followers = [one]
}

/** Who was to have the same answer has the same error: at worst, that nobody knows what was done. */
function rejectAll<Call, Outcome>({ reject, followers = [] }: Waiting<Call, Outcome>, error: unknown): void {
  reject(error)
  for (const follower of followers) follower.reject(error)
}

/** Asking for each one would lead to the same, or nobody knows what was done. */
function concernsAll(error: unknown): boolean {
  if (error instanceof errors.E_SCHEMA_MISSING || error instanceof errors.E_SCHEMA_OUTDATED) return true
  const trouble = asTrouble(error)
  return trouble.mayHaveHappened || trouble.kind === 'unreachable'
}
