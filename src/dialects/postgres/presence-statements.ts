import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { postgresClock } from './statements.ts'

const clock = postgresClock
const never = sql.raw(NEVER)

/**
 * The server since its last start. What is locked is known there only: whoever asks another server, or the same one after a restart, must not
 * take an unknown lock for a free one.
 */
const server = sql`lpad(to_hex((extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint), 16, '0')`

/** A presence's name is the number of its lock, in hexadecimal digits. https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS */
const lockOfPresence = sql`('x' || ${value('presence')}::text)::bit(64)::bigint`

/**
 * Whether the holder's presence is gone. Its lock is asked for as a shared one, until the end of the statement, so that those who ask are not in
 * each other's way; nobody asks before a presence has it, and a name is never used again. `case`: nothing else of the attempt must be read as a
 * number.
 */
const isGone = sql`case
    when starts_with(locks.attempt, 'present:' || here.server || ':')
    then pg_try_advisory_xact_lock_shared(('x' || substr(locks.attempt, 26, 16))::bit(64)::bigint)
    else false
  end`

/** What is said of presences. */
export function postgresPresenceStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    takePresence: compileQuery(
      compiler,
      'take-presence',
      sql`
select pg_try_advisory_lock(${lockOfPresence}) as is_taken, pg_backend_pid() as session
`,
    ),

    // `objsubid` is 1 for a lock that is named by one number of 64 bits.
    seePresence: compileQuery(
      compiler,
      'see-presence',
      sql`
select pg_backend_pid() as session, ${server} as server, (
  select pg_locks.pid
  from pg_locks
  where (locktype, objsubid, mode, granted) = ('advisory', 1, 'ExclusiveLock', true)
    and (classid::bigint << 32) | objid::bigint = ${lockOfPresence}
    and database = (select oid from pg_database where datname = current_database())
) as holder
`,
    ),

    // As for the connection that listens. A machine that has vanished is found out after a minute, long after its own process has given up
    // the presence, if it is still there.
    keepPresence: compileQuery(
      compiler,
      'keep-presence',
      sql`
select set_config('tcp_keepalives_idle', '30', false), set_config('tcp_keepalives_interval', '10', false),
  set_config('tcp_keepalives_count', '3', false), set_config('idle_session_timeout', '0', false)
`,
    ),

    // `lateral`, with a limit: each key is looked up by itself, whatever the optimizer believes of the table.
    watchPresences: compileQuery(
      compiler,
      'watch-presences',
      sql`
with here as materialized (
  select ${server} as server
)
select locks.key, ${isGone} as is_gone
from json_array_elements_text(${value('keys')}::json) as asked (key)
cross join here
cross join lateral (
  select held.key, held.attempt
  from ${locks} as held
  where held.key = asked.key
    and starts_with(held.attempt, 'present:')
  limit 1
) as locks
`,
    ),

    // A key that is free names no presence. Never waits for a row: somebody else is taking it over, or a transaction guards it. `for update`, as
    // whatever takes a key from another asks for. `lateral` and `n + 0` as in `extend-all`.
    takeOver: compileQuery(
      compiler,
      'take-over',
      sql`
with clock as materialized (
  ${clock}
),
here as materialized (
  select ${server} as server
),
asked as materialized (
  select n, key, owner, attempt, ttl, held_by
  from json_to_recordset(${value('takeOvers')}::json) as given
    (n integer, key text, owner text, attempt text, ttl bigint, held_by text)
  where n = n + 0
),
gone as materialized (
  select asked.n, asked.owner, asked.attempt, asked.ttl, asked.held_by, found.key
  from asked
  cross join here
  cross join lateral (
    select locks.key
    from ${locks} as locks
    where locks.key = asked.key
      and ${isGone}
    for update of locks skip locked
  ) as found
),
taken as (
  update ${locks} as locks
  set owner = gone.owner,
      attempt = gone.attempt,
      token = greatest(locks.token + 1, clock.now),
      expires_at = coalesce(clock.now + gone.ttl, ${never}),
      acquired_at = clock.now,
      held_by = gone.held_by,
      wanted = false
  from gone, clock
  where locks.key = gone.key
  returning gone.n, locks.token, clock.now
)
select n, token, now from taken
`,
    ),
  }
}
