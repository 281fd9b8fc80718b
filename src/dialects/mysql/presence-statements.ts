import { sql } from 'kysely'
import type { ResolvedTable } from '../../options.ts'
import { compileQuery, compileStatement, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import { NEVER } from '../dialect.ts'
import { tableId } from '../table-id.ts'
import { mysqlNow } from './statements.ts'

const now = mysqlNow
const never = sql.raw(NEVER)

/**
 * The server. What is locked is known there only, also in a cluster: whoever asks another node must not take an unknown lock for a free one.
 * MariaDB has no `server_uuid`: there it is the host and port, and the id that tells replicas apart.
 */
const server = sql`left(sha2(concat_ws(':', /*!80000 @@server_uuid */ /*M! @@hostname, @@port, @@server_id */), 256), 16)`

/** At most 64 characters, without capitals: https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html#function_get-lock */
const lockOfPresence = sql`concat('verrou:', ${value('presence')})`

/** Whether the holder's presence is gone. `if`: nothing else of the attempt must be read as a name. */
const isGone = sql`if(locks.attempt like concat('present:', ${server}, ':%'),
    is_free_lock(concat('verrou:', convert(substring(locks.attempt, 26, 16) using utf8mb4))), 0) = 1`

/** What is said of presences: the same on MySQL and MariaDB. */
export function mysqlPresenceStatements(table: ResolvedTable) {
  const compiler = compilerFor('mysql')
  const locks = tableId(table)

  return {
    takePresence: compileQuery(
      compiler,
      'take-presence',
      sql`
select get_lock(${lockOfPresence}, 0) as is_taken, connection_id() as session
`,
    ),

    seePresence: compileQuery(
      compiler,
      'see-presence',
      sql`
select connection_id() as session, ${server} as server, is_used_lock(${lockOfPresence}) as holder
`,
    ),

    // Its default. A shorter one of the app's would end the presence of a process that is paused, before its leases run out.
    keepPresence: compileStatement(
      compiler,
      'keep-presence',
      sql`
set session wait_timeout = 28800
`,
    ),

    // Keys come as hexadecimal digits, which no charset can change, and go back as they came. `straight_join`: each key is looked up by itself.
    watchPresences: compileQuery(
      compiler,
      'watch-presences',
      sql`
select hex(locks.\`key\`) as \`key\`, ${isGone} as is_gone
from json_table(${value('keys')}, '$[*]' columns (
  \`key\` varchar(2048) path '$'
)) as asked
straight_join ${locks} as locks force index (primary)
on locks.\`key\` = unhex(asked.\`key\`)
where locks.attempt like 'present:%'
`,
    ),

    // A key that is free names no presence. As in `extend-all`: the limit keeps the optimizer from
    // merging the inner select, which would make MySQL wait for a row that somebody has locked.
    takeOver: compileStatement(
      compiler,
      'take-over',
      sql`
update (
  select locks.\`key\`, asked.owner, asked.attempt, asked.ttl, asked.held_by
  from json_table(${value('takeOvers')}, '$[*]' columns (
    \`key\` varchar(2048) path '$.key',
    owner varchar(510) path '$.owner',
    attempt varchar(510) path '$.attempt',
    ttl bigint path '$.ttl',
    held_by varchar(510) path '$.held_by'
  )) as asked
  straight_join ${locks} as locks force index (primary)
  on locks.\`key\` = unhex(asked.\`key\`)
  where ${isGone}
  limit 10000
  for update /*!80000 of locks */ skip locked
) as gone
straight_join ${locks} as taken force index (primary)
on taken.\`key\` = gone.\`key\`
set taken.owner = unhex(gone.owner),
    taken.attempt = unhex(gone.attempt),
    taken.token = greatest(taken.token + 1, ${now}),
    taken.expires_at = coalesce(${now} + gone.ttl, ${never}),
    taken.acquired_at = ${now},
    taken.held_by = convert(unhex(gone.held_by) using utf8mb4),
    taken.wanted = false
`,
    ),

    // An update brings back no tokens. Each attempt is one of ours alone: a row that names it was granted to it.
    tookOver: compileQuery(
      compiler,
      'took-over',
      sql`
select asked.n, locks.token, locks.acquired_at as now
from json_table(${value('takeOvers')}, '$[*]' columns (
  n bigint path '$.n',
  \`key\` varchar(2048) path '$.key',
  attempt varchar(510) path '$.attempt'
)) as asked
straight_join ${locks} as locks force index (primary)
on locks.\`key\` = unhex(asked.\`key\`)
where locks.attempt = unhex(asked.attempt)
`,
    ),
  }
}
