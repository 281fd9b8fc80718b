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

/**
 * New keys that one statement creates. Each takes an advisory lock until it is through, and all sessions of a server share a table of a few
 * thousand of them: https://www.postgresql.org/docs/current/runtime-config-locks.html#GUC-MAX-LOCKS-PER-TRANSACTION
 */
const MOST_NEW_KEYS = 64

/** Many tries, and many releases, each in one statement: as `acquire` and `release`, for each of a list. */
export function postgresTogetherStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // `lateral` looks each key up by itself, and `n + 0` makes the optimizer expect one: see `extend-all`. What has no row in the answer: see
    // `acquire`; `is_new`: more new keys than a statement may create.
    acquire: compileQuery(
      compiler,
      'acquire-all',
      sql`
with clock as materialized (
  ${clock}
),
asked as materialized (
  select n, key, owner, attempt, ttl, held_by
  from json_to_recordset(${value('tries')}::json)
    as given (n integer, key text, owner text, attempt text, ttl bigint, held_by text)
  where n = n + 0
),
free as materialized (
  select asked.n, asked.owner, asked.attempt, asked.ttl, asked.held_by, found.key, found.is_own
  from asked
  cross join clock
  cross join lateral (
    select locks.key, locks.expires_at > clock.now as is_own
    from ${locks} as locks
    where locks.key = asked.key
      and (locks.expires_at <= clock.now
        or locks.attempt = asked.attempt)
    for update of locks skip locked
  ) as found
),
retaken as (
  update ${locks} as locks
  set owner = free.owner,
      attempt = free.attempt,
      token = case when free.is_own then locks.token else greatest(locks.token + 1, clock.now) end,
      expires_at = greatest(coalesce(clock.now + free.ttl, ${never}), locks.expires_at),
      acquired_at = clock.now,
      held_by = free.held_by,
      wanted = false
  from free, clock
  where locks.key = free.key
  returning free.n, locks.token, clock.now
),
missing as materialized (
  select asked.*
  from asked
  where not exists (select from ${locks} as locks where locks.key = asked.key)
),
created as (
  insert into ${locks} as locks (key, owner, attempt, token, expires_at, acquired_at, held_by)
  select missing.key, missing.owner, missing.attempt, clock.now,
    coalesce(clock.now + missing.ttl, ${never}), clock.now, missing.held_by
  from (select * from missing order by key limit ${sql.lit(MOST_NEW_KEYS)}) as missing, clock
  where pg_try_advisory_xact_lock(${newKeyLock(table, sql`missing.key`)})
  on conflict (key) do nothing
  returning locks.key, locks.token, locks.acquired_at as now
)
select n, true as is_granted, token, now, null::bigint as free_in, false as is_new from retaken
union all
select missing.n, true, created.token, created.now, null, false
from created
join missing on missing.key = created.key
union all
select missing.n, false, null, null, null, true
from (select * from missing order by key offset ${sql.lit(MOST_NEW_KEYS)}) as missing
union all
select asked.n, false, null, clock.now, held.free_in, false
from asked
cross join clock
cross join lateral (
  select nullif(locks.expires_at, ${never}) - clock.now as free_in
  from ${locks} as locks
  where locks.key = asked.key
  limit 1
) as held
where not exists (select from retaken where retaken.n = asked.n)
`,
    ),

    // Whoever listens is told as in `release`. A row that somebody has locked is not waited for: `is_locked`.
    release: compileQuery(
      compiler,
      'release-all',
      sql`
with clock as materialized (
  ${clock}
),
relaxed as materialized (
  select set_config('synchronous_commit', 'off', true)
),
asked as materialized (
  select n, key, owner, token
  from json_to_recordset(${value('holds')}::json) as given (n integer, key text, owner text, token bigint)
  where n = n + 0
),
mine as materialized (
  select asked.n, found.key
  from asked
  cross join lateral (
    select locks.key
    from ${locks} as locks
    where locks.key = asked.key
      and locks.owner = asked.owner
      and locks.token = asked.token
    for no key update of locks skip locked
  ) as found
),
released as (
  update ${locks} as locks
  set owner = null,
      attempt = null,
      expires_at = clock.now + case when locks.wanted then (${tellListeners(table)} is null)::integer else 0 end
  from mine, clock, relaxed
  where locks.key = mine.key
  returning mine.n
)
select n, false as is_locked from released
union all
select asked.n, true
from asked
cross join lateral (
  select locks.key
  from ${locks} as locks
  where locks.key = asked.key
    and locks.owner = asked.owner
    and locks.token = asked.token
  limit 1
) as held
where not exists (select from released where released.n = asked.n)
`,
    ),
  }
}
