import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { tableId } from '../table-id.ts'
import { mysqlNow } from './statements.ts'

const now = mysqlNow

/** What is said on a transaction of the caller's, without what some engines lack. */
export function portableMysqlTransactionStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)

  return {
    // Between look.sql and portable-take.sql: never waits. The row is locked from here on, also if it is another one by now.
    lock: compileQuery(
      compiler,
      'portable-lock',
      sql`
select greatest(token + 1, ${now}) as next_token, ${now} as now
from ${locks}
where \`key\` = ${value('key')}
  and concat(token, ':', expires_at, ':', acquired_at) = ${value('seen')}
  and (expires_at <= ${now}
    or attempt = ${value('attempt')})
for update nowait
`,
    ),

    // See guard.sql.
    guard: compileStatement(
      compiler,
      'portable-guard',
      sql`
update ${locks}
set acquired_at = acquired_at + 1
where \`key\` = ${value('key')}
  and owner = ${value('owner')}
  and token = cast(${value('token')} as signed)
`,
    ),
  }
}
