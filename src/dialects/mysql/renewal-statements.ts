import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { counted } from '../counted.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { mysqlNow } from './statements.ts'

const now = mysqlNow
const never = sql.raw(NEVER)

// The hold's own renewals and this one: those of another hold had another token. Looked up before, since an update of several tables
// may write its columns in any order.
const seen = sql`, locks.token, if(locks.renewed_token = locks.token, locks.renewals, 0) as renewals`
const written = sql`,
  extended.renewals = live.renewals + 1,
  extended.renewed_token = live.token`

/** What makes leases last longer, and counts how often. */
export function mysqlRenewalStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)
  return {
    extend: counted((suffix, counts) => compileStatement(compiler, `extend${suffix}`, extend(locks, counts))),
    extendAll: counted((suffix, counts) => compileStatement(compiler, `extend-all${suffix}`, extendAll(locks, counts))),
  }
}

// last_insert_id brings back the moment, and tells "extended" from "not live" whatever affectedRows counts. Never waits
// for the row: a transaction that guards the hold, and waits for us, may have it locked.
// `limit 1` keeps the optimizer from merging the inner select, where MySQL would forget the `nowait`.
function extend(locks: RawBuilder<unknown>, counts: boolean): RawBuilder<unknown> {
  return sql`
update ${locks} as extended
join (
  select \`key\`${counts ? seen : sql``}
  from ${locks} as locks
  where \`key\` = ${value('key')}
    and owner = ${value('owner')}
    and token = cast(${value('token')} as signed)
    and expires_at > ${now}
  limit 1
  for update nowait
) as live on extended.\`key\` = live.\`key\`
set extended.expires_at = if(last_insert_id(${now}) > 0, coalesce(${now} + cast(${value('ttlUs')} as signed), ${never}), 0)${counts ? written : sql``}
`
}

// Every key is looked up by itself, twice, in the order of the list: straight_join. In a small table both optimizers would rather read
// all rows, and wait for those that somebody has locked. Keys and owners come as hexadecimal digits, which no charset can change.
// MySQL takes a table of JSON for one that can be locked, and must be told which table is meant; MariaDB has no words for that.
// The limit is more than a list has, and keeps the optimizer from merging the inner select, which would make MySQL wait.
// All were extended if as many rows were found as asked for; last_insert_id is the moment.
function extendAll(locks: RawBuilder<unknown>, counts: boolean): RawBuilder<unknown> {
  return sql`
update (
  select locks.\`key\`, asked.ttl${counts ? seen : sql``}
  from json_table(${value('renewals')}, '$[*]' columns (
    \`key\` varchar(2048) path '$.key',
    owner varchar(510) path '$.owner',
    token bigint path '$.token',
    ttl bigint path '$.ttl'
  )) as asked
  straight_join ${locks} as locks force index (primary)
  on locks.\`key\` = unhex(asked.\`key\`)
  where locks.owner = unhex(asked.owner)
    and locks.token = asked.token
    and locks.expires_at > ${now}
  limit 10000
  for update /*!80000 of locks */ skip locked
) as live
straight_join ${locks} as extended force index (primary)
on extended.\`key\` = live.\`key\`
set extended.expires_at = if(last_insert_id(${now}) > 0,
  greatest(extended.expires_at, coalesce(${now} + live.ttl, ${never})), 0)${counts ? written : sql``}
`
}
