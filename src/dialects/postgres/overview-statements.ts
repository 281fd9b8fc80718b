import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { LIST_PAGE, NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { postgresClock } from './statements.ts'

const clock = postgresClock
const never = sql.raw(NEVER)

/**
 * What people look at. In a table that was made before there was a count of renewals, the inner `renewed_token` and `renewals` mean those of `absent`: a
 * name that the nearest table does not have is looked for further out.
 */
export function postgresOverviewStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    inspect: compileQuery(
      compiler,
      'inspect',
      sql`
with clock as materialized (
  ${clock}
)
select seen.owner, seen.token, nullif(seen.expires_at, ${never}) - clock.now as remaining, clock.now,
  seen.acquired_at, seen.held_by, seen.wanted::integer as wanted,
  (
    select case renewed_token when -1 then null when locks.token then renewals else 0 end
    from ${locks} as locks
    where locks.key = seen.key
  ) as renewals
from ${locks} as seen, clock, (select -1::bigint as renewed_token, 0::bigint as renewals) as absent
where seen.key = ${value('key')}::text
`,
    ),

    // One page in the order of the key, then what is wanted of it. Only where it begins is asked of the index: of a stretch that it
    // believes to be short, the optimizer would rather read all and sort it. So it may look at a page behind the prefix. Its last row is
    // always in the answer, unless others have filled that: the next look goes on behind it.
    list: {
      ...compileQuery(
        compiler,
        'list',
        sql`
with clock as materialized (
  ${clock}
)
select page.key, page.token, nullif(page.expires_at, ${never}) - clock.now as remaining, clock.now,
  page.acquired_at, page.held_by, page.wanted::integer as wanted,
  (
    select case renewed_token when -1 then null when locks.token then renewals else 0 end
    from ${locks} as locks
    where locks.key = page.key
  ) as renewals,
  page.is_held::integer as is_held, page.is_listed::integer as is_listed, page.looked
from clock, (select -1::bigint as renewed_token, 0::bigint as renewals) as absent, (
  select sorted.*, count(*) over () as looked, row_number() over (order by sorted.key) as n,
    sorted.key > ${value('afterKey')}::text
      and left(sorted.key, length(${value('prefix')}::text)) = ${value('prefix')}::text
      and case when sorted.is_held then ${value('showsHeld')}::boolean else ${value('showsFree')}::boolean end as is_listed
  from (
    select locks.key, locks.token, locks.expires_at, locks.acquired_at, locks.held_by, locks.wanted,
      locks.owner is not null and locks.expires_at > clock.now as is_held
    from ${locks} as locks, clock
    where locks.key >= ${value('fromKey')}::text
    order by locks.key
    limit ${sql.lit(LIST_PAGE)}
  ) as sorted
) as page
where page.is_listed
  or page.n = page.looked
order by page.key
limit ${value('limit')}::bigint
`,
      ),
      isPlannedAnew: true,
    },
  }
}
