import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { newKeyLock } from './new-key-lock.ts'
import { postgresClock } from './statements.ts'
import { tellListeners } from './tell-listeners.ts'

const clock = postgresClock
const never = sql.raw(NEVER)

/** When the transaction began, in the same unit: the same for all statements of one transaction. */
export const postgresBegan = sql`(extract(epoch from transaction_timestamp()) * 1000000)::bigint`

const began = postgresBegan

/** What is said on a transaction of the caller's, where it differs from what is said outside of one. */
export function postgresTransactionStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // As outside, but for two things. A transaction with a fixed snapshot does not get a lease that ran out since it began: it
    // could not see what its holder has written. And the answer tells when the transaction began: outside of one, every
    // statement is one of its own.
    acquire: compileQuery(
      compiler,
      'acquire-within',
      sql`
with clock as materialized (
  ${clock}, ${began} as began
),
free as materialized (
  select locks.key
  from ${locks} as locks, clock
  where locks.key = ${value('key')}::text
    and (locks.expires_at <= clock.now
      or locks.attempt = ${value('attempt')}::text)
    and not (locks.owner is not null
      and locks.expires_at > clock.began
      and locks.attempt is distinct from ${value('attempt')}::text
      and current_setting('transaction_isolation') not like 'read %')
  for update of locks skip locked
),
retaken as (
  update ${locks} as locks
  set owner = ${value('owner')}::text,
      attempt = ${value('attempt')}::text,
      token = greatest(locks.token + 1, clock.now),
      expires_at = coalesce(clock.now + ${value('ttlUs')}::bigint, ${never}),
      acquired_at = clock.now,
      held_by = ${value('heldBy')}::text,
      wanted = false
  from free, clock
  where locks.key = free.key
  returning locks.token, clock.now
),
created as (
  insert into ${locks} as locks (key, owner, attempt, token, expires_at, acquired_at, held_by)
  select ${value('key')}::text, ${value('owner')}::text, ${value('attempt')}::text, clock.now,
    coalesce(clock.now + ${value('ttlUs')}::bigint, ${never}), clock.now, ${value('heldBy')}::text
  from clock
  where not exists (select from ${locks} as locks where locks.key = ${value('key')}::text)
    and pg_try_advisory_xact_lock(${newKeyLock(table, sql`${value('key')}::text`)})
  on conflict (key) do nothing
  returning locks.token, locks.acquired_at as now
)
select true as is_granted, token, now, null::bigint as free_in, ${began} as began, false as has_run_out from retaken
union all
select true, token, now, null, ${began}, false from created
union all
select false, null, clock.now, nullif(locks.expires_at, ${never}) - clock.now, clock.began,
  locks.owner is not null and locks.expires_at > clock.began and current_setting('transaction_isolation') not like 'read %'
from ${locks} as locks, clock
where locks.key = ${value('key')}::text
  and not exists (select from retaken)
`,
    ),

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
returning case when locks.wanted then ${tellListeners(table)} end is null as is_quiet
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
  ${began} as began
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
