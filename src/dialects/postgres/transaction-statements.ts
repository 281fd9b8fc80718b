import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { tableId } from '../table-id.ts'

/** What is said on a transaction of the caller's, where it differs from what is said outside of one. */
export function postgresTransactionStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // Without the relaxed synchronous_commit of the other release: it would hold for the caller's writes, too. `for update`: a
    // guard of the same hold in another transaction waits, and then sees that the hold is gone.
    release: compileQuery(
      compiler,
      'release-within',
      sql`
with mine as materialized (
  select locks.key
  from ${locks} as locks
  where locks.key = ${value('key')}::text
    and locks.owner = ${value('owner')}::text
    and locks.token = ${value('token')}::bigint
  for update of locks
)
update ${locks} as locks
set owner = null,
    attempt = null,
    expires_at = (extract(epoch from clock_timestamp()) * 1000000)::bigint
from mine
where locks.key = mine.key
returning true as is_done
`,
    ),

    // Whether the row still names the hold, whatever the time: while it is locked here, nobody can take it. Every take-over
    // and every forced release asks for `for update`, which both locks below refuse. Extensions only ask for what an update
    // of other columns needs.
    // READ COMMITTED: `for key share` lets extensions pass, and still sees through the snapshot of this statement, since
    // what takes the row over counts as a change of its key.
    // A snapshot that is older than this statement: there `for key share` would show the row as it was before a release.
    // `for share` fails with 40001 when there is a newer row. It keeps extensions out, too. Of the two, only the one whose
    // answer is asked for is carried out.
    // https://www.postgresql.org/docs/current/explicit-locking.html#LOCKING-ROWS
    guard: compileQuery(
      compiler,
      'guard',
      sql`
with fresh as materialized (
  select locks.key
  from ${locks} as locks
  where locks.key = ${value('key')}::text
    and locks.owner = ${value('owner')}::text
    and locks.token = ${value('token')}::bigint
  for key share of locks
),
frozen as materialized (
  select locks.key
  from ${locks} as locks
  where locks.key = ${value('key')}::text
    and locks.owner = ${value('owner')}::text
    and locks.token = ${value('token')}::bigint
  for share of locks
)
select case
    when current_setting('transaction_isolation') like 'read %' then exists (select from fresh)
    else exists (select from frozen)
  end as is_current,
  (extract(epoch from transaction_timestamp()) * 1000000)::bigint as began
`,
    ),

    snapshot: compileQuery(
      compiler,
      'snapshot',
      sql`
select current_setting('transaction_isolation') not like 'read %' as is_fixed
`,
    ),
  }
}
