import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { sqliteNow } from './statements.ts'

const now = sqliteNow
const never = sql.raw(NEVER)

/** What holders and waiters of several processes say to each other through the table. */
export function sqliteSharingStatements(table: ResolvedTable) {
  const compiler = compilerFor('sqlite')
  const locks = tableId(table)

  return {
    // `wanted` stays: the others still want the key.
    handOver: compileQuery(
      compiler,
      'hand-over',
      sql`
update ${locks}
set owner = ${value('heirOwner')},
    attempt = ${value('heirAttempt')},
    token = max(token + 1, ${now}),
    expires_at = coalesce(${now} + ${value('ttlUs')}, ${never}),
    acquired_at = ${now},
    held_by = ${value('heldBy')}
where key = ${value('key')}
  and owner = ${value('owner')}
  and token = ${value('token')}
returning token, acquired_at as now, wanted as is_wanted
`,
    ),

    // A mark that is there already ends here: an update would need the one write lock of the file, even to change nothing.
    wantLook: compileQuery(
      compiler,
      'want-look',
      sql`
select wanted as is_marked
from ${locks}
where key = ${value('key')}
  and owner is not null
  and expires_at > ${now}
`,
    ),

    want: compileQuery(
      compiler,
      'want',
      sql`
update ${locks}
set wanted = 1
where key = ${value('key')}
  and owner is not null
  and expires_at > ${now}
returning 1 as is_marked
`,
    ),
  }
}
