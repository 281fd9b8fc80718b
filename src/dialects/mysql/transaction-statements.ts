import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { mysqlNow } from './statements.ts'

const now = mysqlNow
const never = sql.raw(NEVER)

// MariaDB executes what MySQL takes for a comment: https://mariadb.com/kb/en/comment-syntax/. There, a statement can say that
// it does not wait for rows; in MySQL only the session can, for whole seconds.
const neverWaits = sql.raw('/*M! set statement innodb_lock_wait_timeout = 0 for */')

/** What is said on a transaction of the caller's, where it differs from what is said outside of one. */
export function mysqlTransactionStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)

  return {
    // A plain read first, since whatever locks the row of a lease that is held keeps it locked until the end of the
    // transaction, rolled back to a savepoint or not: its holder could not extend it.
    // Under SERIALIZABLE every read locks, and waits for writers: for a quarter of a second here.
    look: compileQuery(
      compiler,
      'look',
      sql`
${neverWaits}
select /*+ max_execution_time(250) */
  locks.\`key\` is not null as is_known,
  coalesce(locks.expires_at > clock.now
    and not (locks.attempt <=> ${value('attempt')}), false) as is_held,
  nullif(locks.expires_at, ${never}) - clock.now as free_in,
  concat(locks.token, ':', locks.expires_at, ':', locks.acquired_at) as seen,
  if(locks.owner is null or locks.attempt <=> ${value('attempt')}, null, locks.expires_at) as ran_out,
  clock.now,
  /*M! true or */ false as is_mariadb
from (select ${now} as now) as clock
left join ${locks} as locks on locks.\`key\` = ${value('key')}
`,
    ),

    // Of a key that was free when we looked, if the row is still the one that we saw. Under REPEATABLE READ the look sees what
    // all plain reads of the transaction see, and this statement sees what is committed now: a newer row means that
    // somebody had the key since, and wrote what the caller would not read. The row is locked from here on, also if nothing is taken.
    take: compileStatement(
      compiler,
      'take',
      sql`
insert into ${locks} (\`key\`, owner, attempt, token, expires_at, acquired_at, held_by, wanted)
select free.\`key\`, ${value('owner')}, ${value('attempt')},
  last_insert_id(greatest(free.token + 1, ${now})),
  coalesce(${now} + cast(${value('ttlUs')} as signed), ${never}), ${now}, ${value('heldBy')}, false
from (
  select \`key\`, token
  from ${locks}
  where \`key\` = ${value('key')}
    and concat(token, ':', expires_at, ':', acquired_at) = ${value('seen')}
    and (expires_at <= ${now}
      or attempt = ${value('attempt')})
  for update nowait
) as free
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

    // Of a key that has no row. Nothing may look for the row with a lock first: under REPEATABLE READ that locks the gap
    // until the end of the transaction, and two transactions with two new keys would deadlock.
    create: compileStatement(
      compiler,
      'create-within',
      sql`
${neverWaits}
insert into ${locks} (\`key\`, owner, attempt, token, expires_at, acquired_at, held_by)
values (${value('key')}, ${value('owner')}, ${value('attempt')}, last_insert_id(${now}),
  coalesce(${now} + cast(${value('ttlUs')} as signed), ${never}), ${now}, ${value('heldBy')})
`,
    ),

    // MySQL only, around the statement above: an insert waits for an open transaction that has inserted the same key, and
    // this is the one way to make it wait for a second instead of innodb_lock_wait_timeout (50 s).
    hurry: compileStatement(
      compiler,
      'hurry',
      sql`
set @verrou_lock_wait_timeout = @@session.innodb_lock_wait_timeout, @@session.innodb_lock_wait_timeout = 1
`,
    ),

    unhurry: compileStatement(
      compiler,
      'unhurry',
      sql`
set @@session.innodb_lock_wait_timeout = @verrou_lock_wait_timeout, @verrou_lock_wait_timeout = null
`,
    ),

    // Before an extension: its own reply is not known by every library that a transaction can come from.
    lockLive: compileQuery(
      compiler,
      'lock-live',
      sql`
select ${now} as now
from ${locks}
where \`key\` = ${value('key')}
  and owner = ${value('owner')}
  and token = cast(${value('token')} as signed)
  and expires_at > ${now}
for update
`,
    ),

    // Whether the row still names the hold, whatever the time: while it is locked here, nobody can take it. Reads what is
    // committed now, also under REPEATABLE READ. The change shows those who looked at the row before that somebody has
    // written under it since.
    guard: compileStatement(
      compiler,
      'guard',
      sql`
update ${locks}
set token = last_insert_id(token),
    acquired_at = acquired_at + 1
where \`key\` = ${value('key')}
  and owner = ${value('owner')}
  and token = cast(${value('token')} as signed)
`,
    ),

    // The level of the session, which a transaction that was begun with another level does not show. Its own is only in
    // information_schema.innodb_trx, for users with PROCESS, and up to 100 ms late: that of the transaction before.
    snapshot: compileQuery(
      compiler,
      'snapshot',
      sql`
select /*!80000 @@session.transaction_isolation */ /*M! @@session.tx_isolation */ in ('REPEATABLE-READ', 'SERIALIZABLE') as is_fixed
`,
    ),
  }
}
