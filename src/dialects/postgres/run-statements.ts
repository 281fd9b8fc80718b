import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { tableId } from '../table-id.ts'
import { postgresClock } from './statements.ts'
import { tellListeners } from './tell-listeners.ts'

/** What is kept of runs: the only statements that need the columns of migration 0002. */
export function postgresRunStatements(table: ResolvedTable) {
  const compiler = compilerFor('postgres')
  const locks = tableId(table)

  return {
    // Durable, unlike a release: the record counts. `greatest` passes over a null, so that without a period the key is free now.
    // A new token, and no attempt: a renewal or a try that is still on its way must not give the key another end.
    // Whoever waits is told also of an end that only comes nearer.
    finishRun: compileQuery(
      compiler,
      'finish-run',
      sql`
with clock as materialized (
  ${postgresClock}
)
update ${locks} as locks
set run_token = locks.token,
    token = locks.token + 1,
    run_started_at = locks.acquired_at,
    run_ended_at = clock.now,
    run_by = locks.held_by,
    run_failed = ${value('hasFailed')}::boolean,
    expires_at = greatest(clock.now, locks.acquired_at + ${value('periodUs')}::bigint),
    owner = case when ${value('periodUs')}::bigint is not null then locks.owner end,
    attempt = null
from clock
where locks.key = ${value('key')}::text
  and locks.owner = ${value('owner')}::text
  and locks.token = ${value('token')}::bigint
returning case when locks.wanted then ${tellListeners(table)} end is null as is_quiet
`,
    ),

    lastRun: compileQuery(
      compiler,
      'last-run',
      sql`
select locks.run_token, locks.run_started_at, locks.run_ended_at, locks.run_by, locks.run_failed
from ${locks} as locks
where locks.key = ${value('key')}::text
  and locks.run_token is not null
`,
    ),
  }
}
