import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER, RUN_RETENTION_US, SWEEP_PAGE } from '../dialect.ts'
import { tableId } from '../table-id.ts'

// To the millisecond, and the same throughout a statement: https://www.sqlite.org/lang_datefunc.html
// Written out wherever it is needed: a subquery for it takes longer than all the rest of a look.
export const sqliteNow = sql`cast(round(unixepoch('subsec') * 1000000) as integer)`

const now = sqliteNow
const never = sql.raw(NEVER)

/** The statements for one table. Each is a transaction of its own; none upgrades from reading to writing. */
export function sqliteStatements(table: ResolvedTable) {
  const compiler = compilerFor('sqlite')
  const locks = tableId(table)

  return {
    // A refused try ends here: an insert would need the one write lock of the file, even to change nothing.
    peek: compileQuery(
      compiler,
      'peek',
      sql`
select nullif(locks.expires_at, ${never}) - ${now} as free_in,
  locks.expires_at > ${now}
    and locks.attempt is not ${value('attempt')} as is_held
from ${locks} as locks
where locks.key = ${value('key')}
`,
    ),

    // What is live and comes so far is held by this very try, whose answer was lost: the same token, and no earlier end.
    acquire: compileQuery(
      compiler,
      'acquire',
      sql`
insert into ${locks} as locks (key, owner, attempt, token, expires_at, acquired_at, held_by)
values (${value('key')}, ${value('owner')}, ${value('attempt')}, ${now},
  coalesce(${now} + ${value('ttlUs')}, ${never}), ${now}, ${value('heldBy')})
on conflict (key) do update
set owner = excluded.owner,
    attempt = excluded.attempt,
    token = case when locks.expires_at > excluded.acquired_at then locks.token else max(locks.token + 1, excluded.token) end,
    expires_at = max(excluded.expires_at, locks.expires_at),
    acquired_at = excluded.acquired_at,
    held_by = excluded.held_by,
    wanted = 0
where locks.expires_at <= excluded.acquired_at
   or locks.attempt = excluded.attempt
returning token, acquired_at as now
`,
    ),

    release: {
      ...compileQuery(
        compiler,
        'release',
        sql`
update ${locks}
set owner = null,
    attempt = null,
    expires_at = ${now}
where key = ${value('key')}
  and owner = ${value('owner')}
  and token = ${value('token')}
returning 1 as is_done
`,
      ),
      mayBeForgotten: true,
    },

    abandon: compileQuery(
      compiler,
      'abandon',
      sql`
update ${locks}
set owner = null,
    attempt = null,
    expires_at = ${now}
where key = ${value('key')}
  and attempt = ${value('attempt')}
returning 1 as is_done
`,
    ),

    forceRelease: compileQuery(
      compiler,
      'force-release',
      sql`
update ${locks}
set owner = null,
    attempt = null,
    token = max(token + 1, ${now}),
    expires_at = ${now}
where key = ${value('key')}
  and owner is not null
returning 1 as is_done
`,
    ),

    // On a transaction of the caller's. Changes nothing but takes the one write lock of the file, which keeps everybody else
    // from taking the key before the commit. A snapshot that is older than the last commit of anybody cannot have it.
    guard: compileQuery(
      compiler,
      'guard',
      sql`
update ${locks}
set token = token
where key = ${value('key')}
  and owner = ${value('owner')}
  and token = ${value('token')}
returning 1 as is_current
`,
    ),

    // In a table that was made before there were run records, the inner `run_ended_at` means the null of `absent`: a name that the nearest
    // table does not have is looked for further out.
    sweepLook: compileQuery(
      compiler,
      'sweep-look',
      sql`
select page.key,
  page.expires_at <= ${now} - ${value('retentionUs')}
    and coalesce((
      select run_ended_at
      from ${locks} as locks
      where locks.key = page.key
    ), 0) <= ${now} - ${sql.lit(RUN_RETENTION_US)} as is_old,
  ${now} - ${value('retentionUs')} as free_since
from (select null as run_ended_at) as absent, (
  select key, expires_at
  from ${locks}
  where key > ${value('afterKey')}
  order by key
  limit ${sql.lit(SWEEP_PAGE)}
) as page
order by page.key
`,
    ),

    // Only rows whose token has fallen behind the clock: the key's next token, which is the time then, will be higher. Need not look
    // at runs again: one that has ended since the look has moved `expires_at` behind the moment that the look has told.
    sweepDelete: compileStatement(
      compiler,
      'sweep-delete',
      sql`
delete from ${locks}
where key in (select value from json_each(${value('keys')}))
  and expires_at <= ${value('freeSinceUs')}
  and token < ${now}
`,
    ),
  }
}
