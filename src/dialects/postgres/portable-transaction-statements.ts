import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { postgresClock } from './statements.ts'
import { postgresBegan } from './transaction-statements.ts'

const clock = postgresClock
const began = postgresBegan
const never = sql.raw(NEVER)

/** What is said on a transaction of the caller's, without what some engines lack. */
export function portablePostgresTransactionStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // See acquire-within.sql. No row in the answer: the key has none.
    acquire: compileQuery(
      compiler,
      'portable-acquire-within',
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
)
select true as is_granted, token, now, null::bigint as free_in, ${began} as began, false as has_run_out from retaken
union all
select false, null, clock.now, nullif(locks.expires_at, ${never}) - clock.now, clock.began,
  locks.owner is not null and locks.expires_at > clock.began and current_setting('transaction_isolation') not like 'read %'
from ${locks} as locks, clock
where locks.key = ${value('key')}::text
  and not exists (select 1 from retaken)
`,
    ),

    // Between the two statements below it, since it may wait for longer than lock_timeout, and fail: the transaction goes on.
    create: compileQuery(
      compiler,
      'portable-create-within',
      sql`
with clock as materialized (
  ${clock}
)
insert into ${locks} as locks (key, owner, attempt, token, expires_at, acquired_at, held_by)
select ${value('key')}::text, ${value('owner')}::text, ${value('attempt')}::text, clock.now,
  coalesce(clock.now + ${value('ttlUs')}::bigint, ${never}), clock.now, ${value('heldBy')}::text
from clock
on conflict (key) do nothing
returning locks.token, locks.acquired_at as now, ${began} as began
`,
    ),

    save: compileStatement(compiler, 'portable-save', sql`savepoint verrou_portable_create`),
    undo: compileStatement(compiler, 'portable-undo', sql`rollback to savepoint verrou_portable_create`),
    unsave: compileStatement(compiler, 'portable-unsave', sql`release savepoint verrou_portable_create`),

    // `for update`: a guard of the same hold in another transaction waits, and then sees that the hold is gone.
    release: compileStatement(
      compiler,
      'portable-release-within',
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
`,
    ),

    // Whether the row still names the hold. `for update`, whatever the isolation: not every engine has weaker locks that keep a take-over
    // out. So extensions are kept out, too. With a snapshot that is older than the row, it fails with 40001.
    guard: compileQuery(
      compiler,
      'portable-guard',
      sql`
select true as is_current, ${began} as began
from ${locks} as locks
where locks.key = ${value('key')}::text
  and locks.owner = ${value('owner')}::text
  and locks.token = ${value('token')}::bigint
for update of locks
`,
    ),
  }
}
