import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { LIST_PAGE, NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { sqliteNow } from './statements.ts'

const now = sqliteNow
const never = sql.raw(NEVER)

/**
 * What people look at. In a table that was made before there was a count of renewals, the inner `renewed_token` and `renewals` mean those of `absent`: a
 * name that the nearest table does not have is looked for further out.
 */
export function sqliteOverviewStatements(table: ResolvedTable) {
  const compiler = compilerFor('sqlite')
  const locks = tableId(table)

  return {
    inspect: compileQuery(
      compiler,
      'inspect',
      sql`
select seen.owner, seen.token, nullif(seen.expires_at, ${never}) - ${now} as remaining, ${now} as now,
  seen.acquired_at, seen.held_by, seen.wanted,
  (
    select case renewed_token when -1 then null when locks.token then renewals else 0 end
    from ${locks} as locks
    where locks.key = seen.key
  ) as renewals
from (select -1 as renewed_token, 0 as renewals) as absent, ${locks} as seen
where seen.key = ${value('key')}
`,
    ),

    // One page in the order of the key, then what is wanted of it. Its last row is always in the answer, unless others have filled
    // that: the next look goes on behind it.
    list: compileQuery(
      compiler,
      'list',
      sql`
select page.key, page.token, nullif(page.expires_at, ${never}) - ${now} as remaining, ${now} as now,
  page.acquired_at, page.held_by, page.wanted,
  (
    select case renewed_token when -1 then null when locks.token then renewals else 0 end
    from ${locks} as locks
    where locks.key = page.key
  ) as renewals,
  page.is_held, page.is_listed, page.looked
from (select -1 as renewed_token, 0 as renewals) as absent, (
  select sorted.*, count(*) over () as looked, row_number() over (order by sorted.key) as n,
    sorted.key > ${value('afterKey')}
      and substr(sorted.key, 1, length(${value('prefix')})) = ${value('prefix')}
      and case when sorted.is_held then ${value('showsHeld')} else ${value('showsFree')} end as is_listed
  from (
    select key, token, expires_at, acquired_at, held_by, wanted, owner is not null and expires_at > ${now} as is_held
    from ${locks}
    where key >= ${value('fromKey')}
    order by key
    limit ${sql.lit(LIST_PAGE)}
  ) as sorted
) as page
where page.is_listed
  or page.n = page.looked
order by page.key
limit ${value('limit')}
`,
    ),
  }
}
