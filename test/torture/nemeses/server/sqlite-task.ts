/** What a process of its own is asked to do to a file of SQLite. */
export type SqliteTask =
  | { readonly task: 'hold'; readonly begin: string; readonly writes: boolean; readonly end: string }
  | { readonly task: 'run'; readonly sql: string }
  | { readonly task: 'copy'; readonly how: string }
  | { readonly task: 'prune'; readonly retentionMs: number; readonly aheadMs: number }

/** The same with where, and for how long. */
export interface SqliteOrder {
  readonly path: string
  readonly tableName: string
  readonly forMs: number
  readonly task: SqliteTask
}
