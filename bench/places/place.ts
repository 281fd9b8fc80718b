import type { ServerName } from '../servers/bench-server.ts'

/** What a server has counted so far. Left out: it does not count that, or does not tell. */
export interface Counters {
  readonly statements?: number
  /** Bytes of the log that makes commits durable: all that was written, by whomever. */
  readonly logBytes?: number
  /** Bytes of that log that the statements wrote, without the records of their commits: exact, however busy the server is otherwise. */
  readonly statementLogBytes?: number
  /** Ids that were given to transactions: only those that write get one. */
  readonly transactionIds?: number
}

export type PlaceName = ServerName | 'sqlite'

/** Where one scenario has its tables: a database of its own on a server, or a file of its own. */
export interface Place extends AsyncDisposable {
  readonly name: PlaceName
  /** With the version, for people. */
  readonly title: string
  /** Of the server, or the path of the file. */
  readonly url: string
  send(sql: string): Promise<Record<string, unknown>[]>
  counters(): Promise<Counters>
}
