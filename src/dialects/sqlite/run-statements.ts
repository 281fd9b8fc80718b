import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { tableId } from '../table-id.ts'
import { sqliteNow } from './statements.ts'

const now = sqliteNow

/** What is kept of runs: the only statements that need the columns of migration 0002. */
export function sqliteRunStatements(table: ResolvedTable) {
  const compiler = compilerFor('sqlite')
  const locks = tableId(table)

  return {
    // A new token, and no attempt: a renewal or a try that is still on its way must not give the key another end.
    finishRun: compileQuery(
      compiler,
      'finish-run',
      sql`
update ${locks}
set run_token = token,
    token = token + 1,
    run_started_at = acquired_at,
    run_ended_at = ${now},
    run_by = held_by,
    run_failed = ${value('hasFailed')},
    expires_at = coalesce(max(${now}, acquired_at + ${value('periodUs')}), ${now}),
    attempt = null,
    owner = iif(${value('periodUs')} is null, null, owner)
where key = ${value('key')}
  and owner = ${value('owner')}
  and token = ${value('token')}
returning 1 as is_done
`,
    ),

    lastRun: compileQuery(
      compiler,
      'last-run',
      sql`
select run_token, run_started_at, run_ended_at, run_by, run_failed
from ${locks}
where key = ${value('key')}
  and run_token is not null
`,
    ),
  }
}
