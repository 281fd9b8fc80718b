import { sql } from 'kysely'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import type { SessionStatements } from '../session-dialect.ts'

/**
 * Advisory locks of a session: https://www.postgresql.org/docs/current/functions-admin.html#FUNCTIONS-ADVISORY-LOCKS. They write nothing, and need no
 * table.
 *
 * Who waits has a shared lock on `want`. A release sees that, since it cannot have that lock alone for a moment. It frees the key first (in
 * the inner select), and waiters mark first and then try again: one of the two sees the other. A session's own mark is not in its way.
 *
 * @param channel what releases notify, if somebody waits: commits that notify take turns
 */
export function postgresSessionStatements(channel: string): SessionStatements {
  const compiler = compilerFor('postgres')

  return {
    acquire: compileQuery(
      compiler,
      'session-acquire-all',
      sql`
select n, pg_try_advisory_lock(lock) as is_done
from unnest(${value('sessionLocks')}::bigint[]) with ordinality as asked (lock, n)
`,
    ),

    acquireOne: compileQuery(
      compiler,
      'session-acquire',
      sql`
select pg_try_advisory_lock(${value('sessionLock')}::bigint) as is_done
`,
    ),

    releaseOne: compileQuery(
      compiler,
      'session-release',
      sql`
select is_done and case
    when pg_try_advisory_lock(want) then pg_advisory_unlock(want)
    else pg_notify(${sql.lit(channel)}, lock::text) is not null
  end as is_done
from (
  select lock, want, pg_advisory_unlock(lock) as is_done
  from (select ${value('sessionLock')}::bigint as lock, ${value('sessionWant')}::bigint as want) as asked
) as released
`,
    ),

    release: compileQuery(
      compiler,
      'session-release-all',
      sql`
select n, is_done and case
    when pg_try_advisory_lock(want) then pg_advisory_unlock(want)
    else pg_notify(${sql.lit(channel)}, lock::text) is not null
  end as is_done
from (
  select n, lock, want, pg_advisory_unlock(lock) as is_done
  from unnest(${value('sessionLocks')}::bigint[], ${value('sessionWants')}::bigint[]) with ordinality as asked (lock, want, n)
) as released
`,
    ),

    handOver: compileQuery(
      compiler,
      'session-hand-over',
      sql`
select n, true as is_done,
  case when pg_try_advisory_lock(want) then not pg_advisory_unlock(want) else true end as is_wanted
from unnest(${value('sessionWants')}::bigint[]) with ordinality as asked (want, n)
`,
    ),

    want: compileQuery(
      compiler,
      'session-want',
      sql`
select n, pg_try_advisory_lock_shared(want) as is_done
from unnest(${value('sessionWants')}::bigint[]) with ordinality as asked (want, n)
`,
    ),

    unwant: compileQuery(
      compiler,
      'session-unwant',
      sql`
select n, pg_advisory_unlock_shared(want) as is_done
from unnest(${value('sessionWants')}::bigint[]) with ordinality as asked (want, n)
`,
    ),

    // A look, not a try: a try would be in the way of whoever tries at that moment. A 64-bit number shows as its two halves.
    inspect: compileQuery(
      compiler,
      'session-inspect',
      sql`
select n, exists (
  select
  from pg_locks
  where locktype = 'advisory'
    and database = (select oid from pg_database where datname = current_database())
    and classid::bigint = (lock >> 32) & 4294967295
    and objid::bigint = lock & 4294967295
    and objsubid = 1
    and mode = 'ExclusiveLock'
    and granted
) as is_done
from unnest(${value('sessionLocks')}::bigint[]) with ordinality as asked (lock, n)
`,
    ),
  }
}
