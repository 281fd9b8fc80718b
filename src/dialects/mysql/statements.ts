import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER, RUN_RETENTION_US, SWEEP_PAGE } from '../dialect.ts'
import { tableId } from '../table-id.ts'

// The start of the statement. Time that the statement then spends waiting only makes leases shorter, never longer.
// utc_timestamp and timestampdiff do not look at the session's time zone, so there is no hour that occurs twice.
export const mysqlNow = sql`timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))`

const now = mysqlNow
const never = sql.raw(NEVER)

/** The largest number that all drivers read exactly. Stands for "never" in what `last_insert_id` brings back. */
const largest = sql.raw(String(Number.MAX_SAFE_INTEGER))

/** The statements for one table: the same on MySQL and MariaDB, using nothing that MySQL 8.4 lacks. */
export function mysqlStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)

  return {
    // One round trip that never waits: `nowait` answers with an error when an open transaction has the row, or has
    // inserted it and not committed. The reply of an insert carries two numbers. 2 affected rows: granted, and
    // last_insert_id is the token. 0 and a last_insert_id: held, for that many microseconds. 0 and 0: there is no row.
    // What is live and comes so far is held by this very try, whose answer was lost, or which is carried out twice: the same token, and no earlier end.
    acquire: compileStatement(
      compiler,
      'acquire',
      sql`
insert into ${locks} (\`key\`, owner, attempt, token, expires_at, acquired_at, held_by, wanted)
select seen.\`key\`, ${value('owner')}, ${value('attempt')},
  last_insert_id(if(seen.expires_at > ${now}, seen.token, greatest(seen.token + 1, ${now}))),
  greatest(coalesce(${now} + cast(${value('ttlUs')} as signed), ${never}), seen.expires_at),
  ${now}, ${value('heldBy')}, false
from (
  select \`key\`, attempt, token, expires_at
  from ${locks}
  where \`key\` = ${value('key')}
  for update nowait
) as seen
where if(seen.expires_at <= ${now}
      or seen.attempt = ${value('attempt')},
    true, last_insert_id(least(seen.expires_at - ${now}, ${largest})) is null)
on duplicate key update
  owner = values(owner),
  attempt = values(attempt),
  token = values(token),
  expires_at = values(expires_at),
  acquired_at = values(acquired_at),
  held_by = values(held_by),
  wanted = values(wanted)
`,
    ),

    // A plain insert: one that looked for the row first would lock the gap that it goes into, and under REPEATABLE READ
    // keep other new keys out of it. That somebody was faster shows as a duplicate key.
    create: compileStatement(
      compiler,
      'create',
      sql`
insert into ${locks} (\`key\`, owner, attempt, token, expires_at, acquired_at, held_by)
values (${value('key')}, ${value('owner')}, ${value('attempt')}, last_insert_id(${now}),
  coalesce(${now} + cast(${value('ttlUs')} as signed), ${never}), ${now}, ${value('heldBy')})
`,
    ),

    release: compileStatement(
      compiler,
      'release',
      sql`
update ${locks}
set owner = null,
    attempt = null,
    expires_at = ${now}
where \`key\` = ${value('key')}
  and owner = ${value('owner')}
  and token = cast(${value('token')} as signed)
`,
    ),

    abandon: compileStatement(
      compiler,
      'abandon',
      sql`
update ${locks}
set owner = null,
    attempt = null,
    expires_at = ${now}
where \`key\` = ${value('key')}
  and attempt = ${value('attempt')}
`,
    ),

    forceRelease: compileStatement(
      compiler,
      'force-release',
      sql`
update ${locks}
set owner = null,
    attempt = null,
    token = greatest(token + 1, ${now}),
    expires_at = ${now}
where \`key\` = ${value('key')}
  and owner is not null
`,
    ),

    // In a table that was made before there were run records, the inner `run_ended_at` means the null of `absent`: a name that the nearest
    // table does not have is looked for further out.
    sweepLook: compileQuery(
      compiler,
      'sweep-look',
      sql`
select convert(page.\`key\` using utf8mb4) as \`key\`,
  page.expires_at <= ${now} - cast(${value('retentionUs')} as signed)
    and coalesce((
      select run_ended_at
      from ${locks} as locks
      where locks.\`key\` = page.\`key\`
    ), 0) <= ${now} - ${sql.lit(RUN_RETENTION_US)} as is_old,
  ${now} - cast(${value('retentionUs')} as signed) as free_since
from (select null as run_ended_at) as absent, (
  select \`key\`, expires_at
  from ${locks}
  where \`key\` > ${value('afterKey')}
  order by \`key\`
  limit ${sql.lit(SWEEP_PAGE)}
) as page
order by page.\`key\`
`,
    ),

    // The words of extend-all, and for the same reasons.
    // Only rows whose token has fallen behind the clock: the key's next token, which is the time then, will be higher. Need not look
    // at runs again: one that has ended since the look has moved `expires_at` behind the moment that the look has told.
    sweepDelete: compileStatement(
      compiler,
      'sweep-delete',
      sql`
delete swept
from (
  select locks.\`key\`
  from json_table(${value('keys')}, '$[*]' columns (\`key\` varchar(2048) path '$')) as asked
  straight_join ${locks} as locks force index (primary)
  on locks.\`key\` = unhex(asked.\`key\`)
  where locks.expires_at <= cast(${value('freeSinceUs')} as signed)
    and locks.token < ${now}
  limit 10000
  for update /*!80000 of locks */ skip locked
) as doomed
straight_join ${locks} as swept force index (primary)
on swept.\`key\` = doomed.\`key\`
`,
    ),
  }
}
