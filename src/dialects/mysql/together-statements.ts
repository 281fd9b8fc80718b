import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { mysqlNow } from './statements.ts'

const now = mysqlNow
const never = sql.raw(NEVER)

/** Many tries, and many releases, each in one statement. Lists, hints and limits: see `extend-all`. */
export function mysqlTogetherStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)

  return {
    // Only rows that are free, and that nobody has locked. All of them get the same token, so that last_insert_id can bring it back; hence not those
    // whose token is not behind the clock. All were granted if twice as many rows are affected as asked for.
    // An insert as in `acquire`, since for MariaDB an update of a join is a third more work.
    // Keys without a row are left out: an insert of many waits for every stranger who is inserting one of them, holding the others meanwhile, and
    // MySQL would rather end the stranger's transaction than ours if that is a deadlock.
    acquire: compileStatement(
      compiler,
      'acquire-all',
      sql`
insert into ${locks} (\`key\`, owner, attempt, token, expires_at, acquired_at, held_by, wanted)
select free.\`key\`, free.owner, free.attempt, last_insert_id(${now}),
  coalesce(${now} + free.ttl, ${never}), ${now}, free.held_by, false
from (
  select locks.\`key\`, unhex(asked.owner) as owner, unhex(asked.attempt) as attempt, asked.ttl, asked.held_by
  from json_table(${value('tries')}, '$[*]' columns (
    \`key\` varchar(2048) path '$.key',
    owner varchar(510) path '$.owner',
    attempt varchar(510) path '$.attempt',
    ttl bigint path '$.ttl',
    held_by varchar(255) path '$.held_by'
  )) as asked
  straight_join ${locks} as locks force index (primary)
  on locks.\`key\` = unhex(asked.\`key\`)
  where locks.expires_at <= ${now}
    and locks.token < ${now}
  limit 10000
  for update /*!80000 of locks */ skip locked
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

    // Locks nothing. What has no row in the answer has none in the table.
    look: compileQuery(
      compiler,
      'look-all',
      sql`
select asked.n, coalesce(locks.attempt = unhex(asked.attempt), false) as is_own, locks.token,
  locks.token < ${now} as is_behind, locks.acquired_at, locks.expires_at > ${now} as is_live,
  nullif(locks.expires_at, ${never}) - ${now} as free_in
from json_table(${value('tries')}, '$[*]' columns (
  n integer path '$.n',
  \`key\` varchar(2048) path '$.key',
  attempt varchar(510) path '$.attempt'
)) as asked
straight_join ${locks} as locks force index (primary)
on locks.\`key\` = unhex(asked.\`key\`)
`,
    ),

    // All, or none of them: afterwards nobody could tell which were released, as somebody else may have taken them already. A row that somebody
    // has locked is not waited for.
    release: compileStatement(
      compiler,
      'release-all',
      sql`
update (
  select found.\`key\`, count(*) over () as found
  from (
    select locks.\`key\`
    from json_table(${value('holds')}, '$[*]' columns (
      \`key\` varchar(2048) path '$.key',
      owner varchar(510) path '$.owner',
      token bigint path '$.token'
    )) as asked
    straight_join ${locks} as locks force index (primary)
    on locks.\`key\` = unhex(asked.\`key\`)
    where locks.owner = unhex(asked.owner)
      and locks.token = asked.token
    limit 10000
    for update /*!80000 of locks */ skip locked
  ) as found
) as mine
straight_join ${locks} as released force index (primary)
on released.\`key\` = mine.\`key\`
set released.owner = null,
    released.attempt = null,
    released.expires_at = ${now}
where mine.found = json_length(${value('holds')})
`,
    ),
  }
}
