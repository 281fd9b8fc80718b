import { type RawBuilder, sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { counted } from '../counted.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { sqliteNow } from './statements.ts'

const now = sqliteNow
const never = sql.raw(NEVER)

// The hold's own renewals and this one: those of another hold had another token. Each value is worked out from the row as it was.
const count = sql`,
    renewals = case when renewed_token = token then renewals + 1 else 1 end,
    renewed_token = token`

/** What makes leases last longer, and counts how often. */
export function sqliteRenewalStatements(table: ResolvedTable) {
  const compiler = compilerFor('sqlite')
  const locks = tableId(table)
  return {
    extend: counted((suffix, counts) =>
      compileQuery(compiler, `extend${suffix}`, extend(locks, counts ? count : sql``)),
    ),
    extendAll: counted((suffix, counts) =>
      compileQuery(compiler, `extend-all${suffix}`, extendAll(locks, counts ? count : sql``)),
    ),
  }
}

function extend(locks: RawBuilder<unknown>, counting: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
update ${locks}
set expires_at = coalesce(${now} + ${value('ttlUs')}, ${never})${counting}
where key = ${value('key')}
  and owner = ${value('owner')}
  and token = ${value('token')}
  and expires_at > ${now}
returning ${now} as now
`
}

// `cross join` is SQLite's way to say: in this order, so that each key is looked up by itself and the table never read as a whole,
// whatever the optimizer believes of it. An update could not say so. Every row is there already, and conflicts.
function extendAll(locks: RawBuilder<unknown>, counting: RawBuilder<unknown>): RawBuilder<unknown> {
  return sql`
insert into ${locks} (key, token, expires_at, acquired_at)
select locks.key, locks.token, coalesce(${now} + (asked.value ->> 'ttl'), ${never}), locks.acquired_at
from json_each(${value('renewals')}) as asked
cross join ${locks} as locks
where locks.key = asked.value ->> 'key'
  and locks.owner = asked.value ->> 'owner'
  and locks.token = asked.value ->> 'token'
  and locks.expires_at > ${now}
on conflict (key) do update
set expires_at = max(expires_at, excluded.expires_at)${counting}
returning key, token, ${now} as now
`
}
