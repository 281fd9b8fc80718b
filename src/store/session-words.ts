import type { LockDialect } from '../dialects/dialect.ts'
import {
  readSessionAnswers,
  type SessionAnswer,
  type SessionDialect,
  type SessionName,
} from '../dialects/session-dialect.ts'
import { errors } from '../errors.ts'
import type { Answer, Statement } from '../statement.ts'
import { StoreTrouble } from '../store-trouble.ts'
import { Batcher, type BatcherParts, type Unanswered } from './batcher.ts'
import { PinnedSession, type PinnedSessionParts } from './pinned-session.ts'

/** Known names; then they are forgotten. */
const MOST_NAMES = 1_000

type Asking = Batcher<SessionName, SessionAnswer>

/** A dialect's words for session locks, joined to the session. Questions of one kind that come while one of them is on its way leave together. */
export class SessionWords {
  readonly session: PinnedSession
  readonly acquire: Asking
  readonly release: Asking
  readonly handOver: Asking
  readonly want: Asking
  readonly unwant: Asking
  readonly inspect: Asking
  readonly #dialect: LockDialect
  readonly #words: SessionDialect
  readonly #database: string
  /** A hash costs as much as all else that is done here for a lock, and most apps lock the same keys again. */
  readonly #names = new Map<string, SessionName>()

  private constructor(dialect: LockDialect, words: SessionDialect, session: PinnedSession, database: string) {
    this.#dialect = dialect
    this.#words = words
    this.#database = database
    this.session = session
    const { statements } = words
    this.acquire = askingBy({
      sendOne: (name) => this.#acquireOne(name),
      sendMany: (names) => this.#acquireMany(names),
    })
    this.release = this.#asking(statements.release, statements.releaseOne)
    this.handOver = this.#asking(statements.handOver)
    this.want = this.#asking(statements.want)
    this.unwant = this.#asking(statements.unwant)
    this.inspect = this.#asking(statements.inspect)
  }

  /** @throws LockError `E_UNSUPPORTED`, `E_SESSION_POOLED`; StoreTrouble */
  static async of(dialect: LockDialect, parts: Omit<PinnedSessionParts, 'words' | 'meaningOf'>): Promise<SessionWords> {
    const words = dialect.session
    if (!words) throw noSessionLocks()
    const session = new PinnedSession({ ...parts, words, meaningOf: dialect.meaningOf })
    const question = words.databaseQuestion
    const database = question ? String((await session.send(question, [])).rows[0]?.name) : ''
    return new SessionWords(dialect, words, session, database)
  }

  get areWantsShared(): boolean {
    return this.#words.areWantsShared
  }

  nameOf(key: string): SessionName {
    const known = this.#names.get(key)
    if (known) return known
    if (this.#names.size >= MOST_NAMES) this.#names.clear()
    const name = this.#words.nameOf(key, this.#database)
    this.#names.set(key, name)
    return name
  }

  #asking(all: Statement, one = all): Asking {
    return askingBy({
      sendOne: (name) => this.#sendOne(one, name),
      sendMany: (names) => this.#sendAll(all, names),
    })
  }

  async #sendOne(statement: Statement, name: SessionName): Promise<SessionAnswer> {
    const answer = await this.session.send(statement, this.#valuesOf(statement, [name]))
    return this.#read(answer, 1)[0] as SessionAnswer
  }

  async #sendAll(statement: Statement, names: readonly SessionName[]): Promise<SessionAnswer[]> {
    return this.#read(await this.session.send(statement, this.#valuesOf(statement, names)), names.length)
  }

  #read(answer: Answer, asked: number): SessionAnswer[] {
    try {
      return readSessionAnswers(answer, asked)
    } catch (cause) {
      // It was carried out, and nobody understands the answer: what it has taken goes with the session.
      void this.session.end()
      throw new StoreTrouble('unknown', cause)
    }
  }

  #valuesOf({ parameters }: Statement, names: readonly SessionName[]): unknown[] {
    return parameters.map((parameter) => {
      if (parameter === 'sessionLock') return names[0]?.lock
      if (parameter === 'sessionWant') return names[0]?.want
      const ofAll = names.map(parameter === 'sessionLocks' ? ({ lock }) => lock : ({ want }) => want)
      return this.#dialect.encode('sessionLocks', ofAll)
    })
  }

  async #acquireOne(name: SessionName): Promise<SessionAnswer> {
    const { acquireOne } = this.#words.statements
    try {
      return known(await this.#sendOne(acquireOne, name))
    } catch (error) {
      await this.#undo(error, [name])
      throw error
    }
  }

  /** If it fails, one of them may be what the server cannot do; then each is asked for alone. */
  async #acquireMany(names: readonly SessionName[]): Promise<(SessionAnswer | Unanswered)[]> {
    try {
      const answers = await this.#sendAll(this.#words.statements.acquire, names)
      return answers.map((answer) => (answer.isDone === null ? 'alone' : answer))
    } catch (error) {
      await this.#undo(error, names)
      throw error
    }
  }

  /**
   * A session keeps what a statement has locked before it failed: after an error that the session survives, all of it is given back. If
   * that cannot be done either, the session goes.
   */
  async #undo(error: unknown, names: readonly SessionName[]): Promise<void> {
    if (!(error instanceof StoreTrouble) || error.kind === 'unreachable') throw error
    await this.#sendAll(this.#words.statements.release, names).catch(() => this.session.end())
  }
}

/** On one connection, which does one thing after the other. */
function askingBy(sending: Pick<BatcherParts<SessionName, SessionAnswer>, 'sendOne' | 'sendMany'>): Asking {
  return new Batcher({ keyOf: ({ lock }) => lock, lanes: 1, ...sending })
}

/** MySQL could not tell whether somebody has it: it is out of memory, say. That is no refusal. */
function known(answer: SessionAnswer): SessionAnswer {
  if (answer.isDone !== null) return answer
  throw new StoreTrouble('failed', new Error('the server could not tell whether the lock is held'))
}

function noSessionLocks(): Error {
  return new errors.E_UNSUPPORTED(
    'there are no session locks here: they need Postgres, MySQL or MariaDB itself, and no `portable: true`; use a lease, `createLock(key, ttl)`',
  )
}
