import { sql } from 'kysely'
import { compileQuery, value } from '../compile-statement.ts'
import { compilerFor } from '../compiler.ts'
import type { SessionStatements } from '../session-dialect.ts'

/**
 * Locks by name: https://dev.mysql.com/doc/refman/8.4/en/locking-functions.html, https://mariadb.com/kb/en/get_lock/. They write nothing, and need no
 * table.
 *
 * Nobody can be told of a release: waiters poll. One of those who wait has the lock on `want`, by which a hand-over sees that others want their
 * turn. The session that holds the key gives up its own mark.
 */
export function mysqlSessionStatements(): SessionStatements {
  const compiler = compilerFor('mysql')

  return {
    acquire: compileQuery(
      compiler,
      'session-acquire-all',
      sql`
select n, get_lock(name, 0) as is_done
from json_table(${value('sessionLocks')}, '$[*]' columns (n for ordinality, name varchar(64) path '$')) as asked
`,
    ),

    acquireOne: compileQuery(
      compiler,
      'session-acquire',
      sql`
select get_lock(${value('sessionLock')}, 0) as is_done
`,
    ),

    releaseOne: compileQuery(
      compiler,
      'session-release',
      sql`
select release_lock(${value('sessionLock')}) as is_done
`,
    ),

    release: compileQuery(
      compiler,
      'session-release-all',
      sql`
select n, release_lock(name) as is_done
from json_table(${value('sessionLocks')}, '$[*]' columns (n for ordinality, name varchar(64) path '$')) as asked
`,
    ),

    handOver: compileQuery(
      compiler,
      'session-hand-over',
      sql`
select n, 1 as is_done, is_used_lock(name) <> connection_id() as is_wanted
from json_table(${value('sessionWants')}, '$[*]' columns (n for ordinality, name varchar(64) path '$')) as asked
`,
    ),

    want: compileQuery(
      compiler,
      'session-want',
      sql`
select n, get_lock(name, 0) as is_done
from json_table(${value('sessionWants')}, '$[*]' columns (n for ordinality, name varchar(64) path '$')) as asked
`,
    ),

    unwant: compileQuery(
      compiler,
      'session-unwant',
      sql`
select n, release_lock(name) as is_done
from json_table(${value('sessionWants')}, '$[*]' columns (n for ordinality, name varchar(64) path '$')) as asked
`,
    ),

    inspect: compileQuery(
      compiler,
      'session-inspect',
      sql`
select n, is_used_lock(name) is not null as is_done
from json_table(${value('sessionLocks')}, '$[*]' columns (n for ordinality, name varchar(64) path '$')) as asked
`,
    ),
  }
}
