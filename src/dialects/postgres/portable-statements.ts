import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { postgresClock } from './statements.ts'

const clock = postgresClock
const never = sql.raw(NEVER)

/**
 * The statements for what speaks the language of Postgres and lacks some of it: without advisory locks, NOTIFY, settings, empty lists
 * of columns, and with one change of the table at most. Where the others differ from these in nothing of that, they serve here, too.
 */
export function portablePostgresStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // Of a key that has a row: nothing is waited for. No row in the answer: there is none.
    acquire: compileQuery(
      compiler,
      'portable-acquire',
      sql`
with clock as materialized (
  ${clock}
),
free as materialized (
  select locks.key, locks.expires_at > clock.now as is_own
  from ${locks} as locks, clock
  where locks.key = ${value('key')}::text
    and (locks.expires_at <= clock.now
      or locks.attempt = ${value('attempt')}::text)
  for update of locks skip locked
),
retaken as (
  update ${locks} as locks
  set owner = ${value('owner')}::text,
      attempt = ${value('attempt')}::text,
      token = case when free.is_own then locks.token else greatest(locks.token + 1, clock.now) end,
      expires_at = greatest(coalesce(clock.now + ${value('ttlUs')}::bigint, ${never}), locks.expires_at),
      acquired_at = clock.now,
      held_by = ${value('heldBy')}::text,
      wanted = false
  from free, clock
  where locks.key = free.key
  returning locks.token, clock.now
)
select true as is_granted, token, now, null::bigint as free_in from retaken
union all
select false, null, clock.now, nullif(locks.expires_at, ${never}) - clock.now
from ${locks} as locks, clock
where locks.key = ${value('key')}::text
  and not exists (select 1 from retaken)
`,
    ),

    // Of a key that has no row. Waits for an open transaction that is inserting the same key, as long as that or lock_timeout lasts:
    // without advisory locks, nothing shows such a row.
    create: compileQuery(
      compiler,
      'portable-create',
      sql`
with clock as materialized (
  ${clock}
)
insert into ${locks} as locks (key, owner, attempt, token, expires_at, acquired_at, held_by)
select ${value('key')}::text, ${value('owner')}::text, ${value('attempt')}::text, clock.now,
  coalesce(clock.now + ${value('ttlUs')}::bigint, ${never}), clock.now, ${value('heldBy')}::text
from clock
on conflict (key) do nothing
returning locks.token, locks.acquired_at as now
`,
    ),

    // As durable as every other statement, and nobody is told.
    release: compileStatement(
      compiler,
      'portable-release',
      sql`
with clock as materialized (
  ${clock}
)
update ${locks} as locks
set owner = null,
    attempt = null,
    expires_at = clock.now
from clock
where locks.key = ${value('key')}::text
  and locks.owner = ${value('owner')}::text
  and locks.token = ${value('token')}::bigint
`,
    ),

    abandon: compileStatement(
      compiler,
      'portable-abandon',
      sql`
with clock as materialized (
  ${clock}
)
update ${locks} as locks
set owner = null,
    attempt = null,
    expires_at = clock.now
from clock
where locks.key = ${value('key')}::text
  and locks.attempt = ${value('attempt')}::text
`,
    ),

    forceRelease: compileStatement(
      compiler,
      'portable-force-release',
      sql`
with clock as materialized (
  ${clock}
)
update ${locks} as locks
set owner = null,
    attempt = null,
    token = greatest(locks.token + 1, clock.now),
    expires_at = clock.now
from clock
where locks.key = ${value('key')}::text
  and locks.owner is not null
`,
    ),

    // See finish-run.sql.
    finishRun: compileStatement(
      compiler,
      'portable-finish-run',
      sql`
with clock as materialized (
  ${clock}
)
update ${locks} as locks
set run_token = locks.token,
    token = locks.token + 1,
    run_started_at = locks.acquired_at,
    run_ended_at = clock.now,
    run_by = locks.held_by,
    run_failed = ${value('hasFailed')}::boolean,
    expires_at = greatest(clock.now, locks.acquired_at + ${value('periodUs')}::bigint),
    owner = case when ${value('periodUs')}::bigint is not null then locks.owner end,
    attempt = null
from clock
where locks.key = ${value('key')}::text
  and locks.owner = ${value('owner')}::text
  and locks.token = ${value('token')}::bigint
`,
    ),

    // Row by row, and as durable as any.
    sweepDelete: compileStatement(
      compiler,
      'portable-sweep-delete',
      sql`
with clock as materialized (
  ${clock}
),
doomed as materialized (
  select locks.key
  from ${locks} as locks, clock
  where locks.key = ${value('key')}::text
    and locks.expires_at <= ${value('freeSinceUs')}::bigint
    and locks.token < clock.now
  for update of locks skip locked
)
delete from ${locks} as locks
using doomed
where locks.key = doomed.key
`,
    ),
  }
}
