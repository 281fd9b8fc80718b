import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { counted } from '../counted.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { mysqlNow } from './statements.ts'

const now = mysqlNow
const never = sql.raw(NEVER)

// The hold's own renewals and this one: those of another hold had another token. In this order: MySQL writes one column after the other.
const counting = sql`,
    renewals = if(renewed_token = token, renewals + 1, 1),
    renewed_token = token`

/**
 * The statements for what speaks the language of MySQL and lacks some of it: without `skip locked`, `last_insert_id(…)`, tables of JSON,
 * and locking reads inside of other statements. Each is one plain statement on one row; what one finds out, the next is sent.
 * Where the others need nothing of that, they serve here, too.
 */
export function portableMysqlStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)

  return {
    // Never waits. A key that an open transaction is creating is an error, too, and not a missing row.
    look: compileQuery(
      compiler,
      'portable-look',
      sql`
select expires_at > ${now}
    and not (attempt <=> ${value('attempt')}) as is_held,
  nullif(expires_at, ${never}) - ${now} as free_in,
  concat(token, ':', expires_at, ':', acquired_at) as seen,
  if(expires_at > ${now}, token, greatest(token + 1, ${now})) as next_token,
  ${now} as now
from ${locks}
where \`key\` = ${value('key')}
for update nowait
`,
    ),

    // Of a key that was free when we looked, or held by this very try: then with the same token, and no earlier end; if the row is still the one that we saw. Everything counts from the look, so that no
    // number has to be brought back. A row that was locked since is waited for, as long as innodb_lock_wait_timeout says.
    take: compileStatement(
      compiler,
      'portable-take',
      sql`
update ${locks}
set owner = ${value('owner')},
    attempt = ${value('attempt')},
    token = cast(${value('nextToken')} as signed),
    expires_at = greatest(
      coalesce(cast(${value('nowUs')} as signed) + cast(${value('ttlUs')} as signed), ${never}),
      expires_at
    ),
    acquired_at = cast(${value('nowUs')} as signed),
    held_by = ${value('heldBy')},
    wanted = false
where \`key\` = ${value('key')}
  and concat(token, ':', expires_at, ':', acquired_at) = ${value('seen')}
`,
    ),

    create: compileStatement(compiler, 'portable-create', newRow(locks)),

    // The same on a transaction of the caller's, where it means something else that the row is there.
    createWithin: compileStatement(compiler, 'portable-create-within', newRow(locks)),

    // What the insert has written. A lock until commit has no attempt, and its row is ours until then.
    created: compileQuery(
      compiler,
      'portable-created',
      sql`
select token, acquired_at
from ${locks}
where \`key\` = ${value('key')}
  and attempt <=> ${value('attempt')}
`,
    ),

    // Never waits: a transaction that guards the hold, and waits for us, may have the row locked.
    lookHold: compileQuery(
      compiler,
      'portable-look-hold',
      sql`
select expires_at > ${now} as is_live, wanted, greatest(token + 1, ${now}) as next_token, ${now} as now
from ${locks}
where \`key\` = ${value('key')}
  and owner = ${value('owner')}
  and token = cast(${value('token')} as signed)
for update nowait
`,
    ),

    // Of a hold that was live when we looked. If it has run out since, nobody has taken it.
    extend: counted((suffix, counts) =>
      compileStatement(
        compiler,
        `portable-extend${suffix}`,
        sql`
update ${locks}
set expires_at = coalesce(${now} + cast(${value('ttlUs')} as signed), ${never})${counts ? counting : sql``}
where \`key\` = ${value('key')}
  and owner = ${value('owner')}
  and token = cast(${value('token')} as signed)
`,
      ),
    ),

    // The same for a renewal, which may come after an extension by hand.
    renew: counted((suffix, counts) =>
      compileStatement(
        compiler,
        `portable-renew${suffix}`,
        sql`
update ${locks}
set expires_at = greatest(expires_at, coalesce(${now} + cast(${value('ttlUs')} as signed), ${never}))${counts ? counting : sql``}
where \`key\` = ${value('key')}
  and owner = ${value('owner')}
  and token = cast(${value('token')} as signed)
`,
      ),
    ),

    // Of a hold that the row named when we looked. The mark stays: the others still want the key.
    handOver: compileStatement(
      compiler,
      'portable-hand-over',
      sql`
update ${locks}
set owner = ${value('heirOwner')},
    attempt = ${value('heirAttempt')},
    expires_at = coalesce(cast(${value('nowUs')} as signed) + cast(${value('ttlUs')} as signed), ${never}),
    acquired_at = cast(${value('nowUs')} as signed),
    held_by = ${value('heldBy')},
    token = cast(${value('nextToken')} as signed)
where \`key\` = ${value('key')}
  and owner = ${value('owner')}
  and token = cast(${value('token')} as signed)
`,
    ),

    // Never waits. No row: nobody holds the key.
    wantLook: compileQuery(
      compiler,
      'portable-want-look',
      sql`
select wanted
from ${locks}
where \`key\` = ${value('key')}
  and owner is not null
  and expires_at > ${now}
for update nowait
`,
    ),

    want: compileStatement(
      compiler,
      'portable-want',
      sql`
update ${locks}
set wanted = true
where \`key\` = ${value('key')}
  and owner is not null
  and expires_at > ${now}
`,
    ),

    // See sweep-delete.sql. A row that is locked is waited for; one that was free for an hour hardly ever is.
    sweepDelete: compileStatement(
      compiler,
      'portable-sweep-delete',
      sql`
delete from ${locks}
where \`key\` = ${value('key')}
  and expires_at <= cast(${value('freeSinceUs')} as signed)
  and token < ${now}
`,
    ),
  }
}

/** Counts from now, and not from the look before it: in between, somebody could have had the key, and its row been swept. */
function newRow(locks: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
insert into ${locks} (\`key\`, owner, attempt, token, expires_at, acquired_at, held_by)
values (${value('key')}, ${value('owner')}, ${value('attempt')}, ${now},
  coalesce(${now} + cast(${value('ttlUs')} as signed), ${never}), ${now}, ${value('heldBy')})
`
}
