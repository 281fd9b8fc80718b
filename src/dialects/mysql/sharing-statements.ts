import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { mysqlNow } from './statements.ts'

const now = mysqlNow
const never = sql.raw(NEVER)

/** What holders and waiters of several processes say to each other through the table. */
export function mysqlSharingStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)

  return {
    // last_insert_id brings back the token, and with it whether the key is wanted: odd if it is. For that the token is one higher than it
    // has to be, or not. `limit 1` keeps the optimizer from merging the inner select, where MySQL would forget the `nowait`.
    // `wanted` stays: the others still want the key.
    handOver: compileStatement(
      compiler,
      'hand-over',
      sql`
update ${locks} as handed
join (
  select \`key\`, greatest(token + 1, ${now}) as least_token, wanted
  from ${locks}
  where \`key\` = ${value('key')}
    and owner = ${value('owner')}
    and token = cast(${value('token')} as signed)
  limit 1
  for update nowait
) as mine on handed.\`key\` = mine.\`key\`
set handed.owner = ${value('heirOwner')},
    handed.attempt = ${value('heirAttempt')},
    handed.token = last_insert_id(mine.least_token + (mine.least_token + mine.wanted) % 2),
    handed.expires_at = coalesce(${now} + cast(${value('ttlUs')} as signed), ${never}),
    handed.acquired_at = ${now},
    handed.held_by = ${value('heldBy')}
`,
    ),

    // last_insert_id tells "held" from "free" whatever affectedRows counts. A row that is marked already stays as it is: InnoDB writes
    // nothing for an update that changes nothing.
    want: compileStatement(
      compiler,
      'want',
      sql`
update ${locks} as marked
join (
  select \`key\`
  from ${locks}
  where \`key\` = ${value('key')}
    and owner is not null
    and expires_at > ${now}
  limit 1
  for update nowait
) as held on marked.\`key\` = held.\`key\`
set marked.wanted = if(last_insert_id(1) > 0, true, false)
`,
    ),
  }
}
