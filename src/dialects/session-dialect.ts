import type { Answer, Statement } from '../statement.ts'
import { numberOf } from './numbers.ts'

/** What stands for a key at the server. Two keys can share it (hardly ever): then they keep each other waiting. */
export interface SessionName {
  /** Locked by the session that holds the key. */
  readonly lock: string
  /** Locked by the sessions that wait for it, so that a release sees them. */
  readonly want: string
}

/** What a statement came to for one of the names that it was sent with. */
export interface SessionAnswer {
  /** Whether the server did it; `null`: it could not tell. */
  readonly isDone: boolean | null
  /** A session other than ours waits for the key. */
  readonly isWanted: boolean
}

/** Each takes any number of names, and answers with one row for each: `n` from 1, and what {@link SessionAnswer} says. What ends in `One` takes one, for less. */
export interface SessionStatements {
  /** One try at each. */
  readonly acquire: Statement
  readonly acquireOne: Statement
  /** Gives each back, and tells those who wait. */
  readonly release: Statement
  readonly releaseOne: Statement
  /** Proves that the session is alive, so that it still has each of them; and tells whether others want it. */
  readonly handOver: Statement
  /** Marks each as wanted by this session. */
  readonly want: Statement
  readonly unwant: Statement
  /** Whether anybody has it. */
  readonly inspect: Statement
}

/** What is said on the one session that has all session locks of a store. */
export interface SessionDialect {
  readonly statements: SessionStatements
  /** The name of the database, where the names of locks do not belong to one. */
  readonly databaseQuestion: Pick<Statement, 'sql'> | undefined
  /** Sent once on each new session, before anything is locked on it. */
  readonly opening: Pick<Statement, 'sql'>
  /** How the session hears of releases, which also proves that it is ours alone. Missing: it hears nothing, and is trusted. */
  readonly hearing: SessionHearing | undefined
  /** Any number of sessions can mark a key as wanted. If not, one of them stands for all. */
  readonly areWantsShared: boolean
  nameOf(key: string, database: string): SessionName
}

/** See {@link SessionDialect}. */
export interface SessionHearing {
  readonly channel: string
  readonly listen: Pick<Statement, 'sql'>
  readonly unlisten: Pick<Statement, 'sql'>
  /** Values: the channel, then a payload. */
  readonly notify: Pick<Statement, 'sql'>
}

/** One answer for each name, in the order in which they were sent. */
export function readSessionAnswers({ rows }: Answer, asked: number): SessionAnswer[] {
  const answers: (SessionAnswer | undefined)[] = new Array(asked).fill(undefined)
  for (const row of rows) {
    // Asked for one, an answer does not say for which.
    answers[row.n === undefined ? 0 : numberOf(row.n) - 1] = {
      isDone: row.is_done === null ? null : isTrue(row.is_done),
      isWanted: isTrue(row.is_wanted),
    }
  }
  return answers.map((answer) => {
    if (!answer) throw new TypeError('a session lock has no answer')
    return answer
  })
}

/** MySQL has numbers for it. */
function isTrue(given: unknown): boolean {
  return given === true || given === 1 || given === '1' || given === 1n
}
