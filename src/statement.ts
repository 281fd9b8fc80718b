/** One of many extensions that a statement makes. */
export interface RenewalInput {
  readonly key: string
  readonly owner: string
  readonly token: number
  /** Microseconds; `null`: never. */
  readonly ttlUs: number | null
}

/** One of many tries that a statement makes. */
export interface TryInput {
  readonly key: string
  readonly owner: string
  readonly attempt: string
  /** Microseconds; `null`: never. */
  readonly ttlUs: number | null
  readonly heldBy: string
}

/** One of many holds that a statement releases. */
export interface HoldInput {
  readonly key: string
  readonly owner: string
  readonly token: number
}

/** The values that statements are made with, by name. */
export interface StatementInput {
  readonly key: string
  /** `null`: a lock until commit, which leaves a free row. */
  readonly owner: string | null
  /** Which call of `acquire` asks: see `LeaseRequest.attempt`. `null`: a lock until commit. */
  readonly attempt: string | null
  readonly token: number
  /** Microseconds; `null`: never. */
  readonly ttlUs: number | null
  readonly heldBy: string | null
  /** Who is granted the key by a hand-over, in place of `owner`. */
  readonly heirOwner: string
  /** As `attempt`, of the one who is granted the key. */
  readonly heirAttempt: string
  /** Sent as one text of JSON: each dialect says which. */
  readonly renewals: readonly RenewalInput[]
  /** Likewise. */
  readonly tries: readonly TryInput[]
  /** Likewise. */
  readonly holds: readonly HoldInput[]
  /** How long a run keeps its key from when it began, microseconds; `null`: no longer. */
  readonly periodUs: number | null
  readonly hasFailed: boolean
  /** MySQL, in a transaction of the caller's, and portable: what the look saw of the row. */
  readonly seen: string
  /** MySQL, portable: the token of the grant, out of the look before it. */
  readonly nextToken: number
  /** MySQL, portable: the moment of that look, microseconds since the epoch. */
  readonly nowUs: number
  /** Likewise, of keys. */
  readonly keys: readonly string[]
  /** Session locks: what stands for each key at the server. Numbers of 64 bits as decimal text on Postgres, names on MySQL. */
  readonly sessionLocks: readonly string[]
  /** Session locks: what stands for the wish of others for each key. */
  readonly sessionWants: readonly string[]
  /** Of one session lock alone. */
  readonly sessionLock: string
  readonly sessionWant: string
  /** The name of a presence: 16 hexadecimal digits. */
  readonly presence: string
  /** Tries to take keys over from a process that is gone: sent as one text of JSON. */
  readonly takeOvers: readonly TryInput[]
  /** The sweep, or a list, goes on behind this key. */
  readonly afterKey: string
  /** How long rows that are swept have been free, microseconds. */
  readonly retentionUs: number
  /** Since when, by the look of the sweep: microseconds since the epoch. */
  readonly freeSinceUs: number
  /** A list looks at keys from here on: the later one of `afterKey` and `prefix`. */
  readonly fromKey: string
  /** Keys that are listed begin with it. */
  readonly prefix: string
  readonly showsHeld: boolean
  readonly showsFree: boolean
  /** Keys that are listed, at most. */
  readonly limit: number
}

/** The name of a value in {@link StatementInput}. */
export type ParameterName = keyof StatementInput

/** One whole statement: its text is fixed when the store is made; only values change from call to call. */
export interface Statement {
  /** As in `sql/<dialect>/<name>.sql`. */
  readonly name: string
  readonly sql: string
  /** Which value goes where, in the order of the placeholders. */
  readonly parameters: readonly ParameterName[]
  /** Whether it brings back rows: some drivers have one call for rows and another for effects. */
  readonly returnsRows: boolean
  /** Its answer need not wait for the disk: a release that is lost with the power only means waiting for the end of the lease. */
  readonly mayBeForgotten?: boolean
  /** Planned for every call, where a server keeps plans: one that was made while the table was small may read and sort the whole of it. */
  readonly isPlannedAnew?: boolean
  /** What is sent instead where the table is of an earlier version, which has no columns to count renewals in. */
  readonly uncounted?: Statement
}

/** What a statement brought back, in the same shape from every driver. */
export interface Answer {
  /** Its rows, by the names of their columns; none, if it brings back none. */
  readonly rows: readonly Readonly<Record<string, unknown>>[]
  /** Rows inserted, updated or deleted; MySQL counts an upsert that updated as 2. */
  readonly affectedRows: number
  /** MySQL's `last_insert_id(…)`: how its statements bring a number back without a second round trip. Else 0. */
  readonly insertId: number
}
