import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { LIST_PAGE, NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { mysqlNow } from './statements.ts'

const now = mysqlNow
const never = sql.raw(NEVER)

/**
 * What people look at. In a table that was made before there was a count of renewals, the inner `renewed_token` and `renewals` mean those of `absent`: a
 * name that the nearest table does not have is looked for further out.
 */
export function mysqlOverviewStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)

  return {
    inspect: compileQuery(
      compiler,
      'inspect',
      sql`
select convert(seen.owner using utf8mb4) as owner, seen.token, nullif(seen.expires_at, ${never}) - ${now} as remaining, ${now} as now,
  seen.acquired_at, seen.held_by, seen.wanted,
  (
    select case renewed_token when -1 then null when locks.token then renewals else 0 end
    from ${locks} as locks
    where locks.\`key\` = seen.\`key\`
  ) as renewals
from (select -1 as renewed_token, 0 as renewals) as absent, ${locks} as seen
where seen.\`key\` = ${value('key')}
`,
    ),

    // One page in the order of the key, then what is wanted of it. Its last row is always in the answer: the next look goes on
    // behind it. Counts what is listed, since not every server takes a limit as a value.
    list: compileQuery(
      compiler,
      'list',
      sql`
select convert(page.\`key\` using utf8mb4) as \`key\`, page.token, nullif(page.expires_at, ${never}) - ${now} as remaining, ${now} as now,
  page.acquired_at, page.held_by, page.wanted,
  (
    select case renewed_token when -1 then null when locks.token then renewals else 0 end
    from ${locks} as locks
    where locks.\`key\` = page.\`key\`
  ) as renewals,
  page.is_held, page.is_listed, page.looked
from (select -1 as renewed_token, 0 as renewals) as absent, (
  select found.*, count(*) over () as looked, row_number() over (order by found.\`key\`) as n,
    sum(found.is_listed) over (order by found.\`key\`) as listed
  from (
    select sorted.*,
      sorted.\`key\` > ${value('afterKey')}
        and left(sorted.\`key\`, length(${value('prefix')})) = ${value('prefix')}
        and if(sorted.is_held, ${value('showsHeld')}, ${value('showsFree')}) = 1 as is_listed
    from (
      select \`key\`, token, expires_at, acquired_at, held_by, wanted, owner is not null and expires_at > ${now} as is_held
      from ${locks}
      where \`key\` >= ${value('fromKey')}
      order by \`key\`
      limit ${sql.lit(LIST_PAGE)}
    ) as sorted
  ) as found
) as page
where (page.is_listed and page.listed <= cast(${value('limit')} as signed))
  or page.n = page.looked
order by page.\`key\`
`,
    ),
  }
}
