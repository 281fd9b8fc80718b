// Writes sql/<dialect>/<statement>.sql: every statement that the library can send, for whoever reviews it.
import { globSync, rmSync } from 'node:fs'
import { join } from 'node:path'
import type { DialectName } from '../src/dialects/compiler.ts'
import { resolveTable } from '../src/options.ts'
import { schemaStatements } from '../src/schema/create-migrations.ts'
import type { Statement } from '../src/statement.ts'
import { allStatementsOf } from '../test/mutation/mutated.ts'
import { type GeneratedFiles, REPOSITORY, writeGenerated } from './repository.ts'

const DATABASES: Record<DialectName, string> = {
  postgres: 'Postgres',
  mysql: 'MySQL and MariaDB (the same words for both)',
  sqlite: 'SQLite',
}

/** What each statement is for, as a database administrator would ask. */
const PURPOSES: Readonly<Record<string, string>> = {
  acquire: 'One try to take a lock.',
  'acquire-all': 'Many tries that came at the same moment.',
  'release-all': 'Gives many locks back.',
  'look-all': 'After acquire-all, if not all were granted: which ones were.',
  create: 'The rest of a try, if the key has no row yet.',
  peek: 'The start of a try: a look that takes no write lock, which spares refused tries the rest.',
  extend: 'Makes a lease that is still live last longer.',
  release: 'Gives a lock back.',
  'extend-all': 'Makes many leases that are still live last longer.',
  'extend-uncounted': 'As extend, on a table that was made before there was a count of renewals.',
  'extend-all-uncounted': 'As extend-all, on such a table.',
  'hand-over': 'Gives a lock back and grants it to the next one in line, who is in the same process.',
  want: 'Marks a key that is held, since somebody waits for it: its release will tell them.',
  'want-look': 'The start of marking a key: a look that takes no write lock, since it may be marked already.',
  'finish-run':
    'The end of a run of `runOncePer`: writes it down, and frees the key or keeps it taken for the rest of the period.',
  'last-run': 'Looks up the last run of a key that ended.',
  abandon: 'Gives back what a try may have taken whose answer never arrived.',
  'force-release': 'Frees a key, whoever holds it.',
  'acquire-within': "One try on a transaction of the caller's.",
  'release-within': "Gives a lock back on a transaction of the caller's, and changes no setting.",
  guard:
    "Checks, on a transaction of the caller's, that a hold is current, and keeps it so until the transaction ends.",
  snapshot: "Whether a transaction of the caller's sees the database as it was when it began; before it would wait.",
  look: "The start of a try on a transaction of the caller's: a look that leaves no lock.",
  take: "The rest of a try on a transaction of the caller's, if the key is free.",
  'create-within': "The rest of a try on a transaction of the caller's, if the key has no row yet.",
  hurry: 'MySQL only: before create-within, so that it waits for a second at most.',
  unhurry: 'MySQL only: after create-within. The setting is as it was.',
  'lock-live': "Before an extension on a transaction of the caller's: whether the hold is live.",
  inspect: 'Looks at one key: `isLocked()`, `inspect()`, and locks that come from another process.',
  list: 'Looks at one page of keys, for `list()`.',
  'session-acquire': 'Session locks: one try at one of them.',
  'session-acquire-all': 'Session locks: one try at each of many.',
  'session-release':
    'Session locks: gives one back, and tells those who wait in other processes, where the database can.',
  'session-release-all':
    'Session locks: gives many back, and tells those who wait in other processes, where the database can.',
  'session-hand-over':
    'Session locks: proves that the session still has them, which go to the next in line in the same process; whether other processes want them.',
  'session-want': 'Session locks: marks them as wanted by somebody in this process, for as long as it waits.',
  'session-unwant': 'Session locks: takes the marks back.',
  'session-inspect': 'Session locks: whether anybody holds them, for `isLocked()`.',
  'take-presence': 'With `presence`: takes the lock of the session that stands for the process.',
  'see-presence': 'With `presence`: who has that lock; every few seconds, and to prove that it means something.',
  'keep-presence': 'With `presence`: keeps the server from ending the session for being idle.',
  'watch-presences': 'With `presence`, while somebody waits: whether the processes are gone that hold the keys.',
  'take-over': 'With `presence`, after a refusal: takes keys over whose holders are gone.',
  'took-over': 'With `presence`: what take-over has granted.',
  'sweep-look':
    'Sent once in a while, in the background, and by `prune()`: one page of rows, to find those that were free for long.',
  'sweep-delete': 'Deletes rows that were free for long.',
  ...{
    'portable-acquire': 'Portable: one try to take a lock whose key has a row.',
    'portable-create': 'Portable: the rest of a try, if the key has no row yet.',
    'portable-look': 'Portable: the start of a try, which finds out what the next statement writes.',
    'portable-take': 'Portable: the rest of a try, if the key is free.',
    'portable-created': 'Portable: the end of a try of a key that had no row: what it was granted.',
    'portable-look-hold':
      'Portable: before an extension or a hand-over: whether the hold is live, and what the next statement writes.',
    'portable-extend': 'Portable: makes a lease that is still live last longer.',
    'portable-extend-all': 'Portable: makes many leases that are still live last longer.',
    'portable-extend-uncounted': 'As portable-extend, on a table that was made before there was a count of renewals.',
    'portable-extend-all-uncounted': 'As portable-extend-all, on such a table.',
    'portable-renew-uncounted': 'As portable-renew, on such a table.',
    'portable-renew': 'Portable: makes a lease that is still live last longer, and never shorter.',
    'portable-release': 'Portable: gives a lock back.',
    'portable-abandon': 'Portable: gives back what a try may have taken whose answer never arrived.',
    'portable-force-release': 'Portable: frees a key, whoever holds it.',
    'portable-finish-run': 'Portable: the end of a run of `runOncePer`.',
    'portable-hand-over': 'Portable: gives a lock back and grants it to the next one in line.',
    'portable-want-look': 'Portable: the start of marking a key: it may be marked already.',
    'portable-want':
      'Portable: marks a key that is held, since somebody waits for it: those who poll take turns by it.',
    'portable-sweep-delete': 'Portable: deletes one row that was free for long.',
    'portable-acquire-within': "Portable: one try on a transaction of the caller's, of a key that has a row.",
    'portable-create-within':
      "Portable: the rest of a try on a transaction of the caller's, if the key has no row yet.",
    'portable-save': 'Portable: before portable-create-within, which may fail.',
    'portable-undo': 'Portable: after portable-create-within, if it has failed: the transaction goes on.',
    'portable-unsave': 'Portable: after portable-create-within.',
    'portable-lock':
      "Portable: a try on a transaction of the caller's: locks the row, if it is still the one that was looked at.",
    'portable-release-within': "Portable: gives a lock back on a transaction of the caller's.",
    'portable-guard':
      "Portable: checks, on a transaction of the caller's, that a hold is current, and keeps it so until the transaction ends.",
  },
}

/** What a second run of `schema.sql` does. A table of an earlier version gets what it lacks. */
const TWICE: Record<DialectName, string> = {
  postgres: 'Safe to run twice.',
  mysql: 'Safe to run twice, with `mysql --force`: MySQL says "Duplicate column name" (1060) of what is there already.',
  sqlite: 'Safe to run twice: a second run changes nothing, and says "duplicate column name".',
}

/** Everything in `sql/`, for the default table. */
export function sqlFiles(): GeneratedFiles {
  return new Map((Object.keys(DATABASES) as DialectName[]).flatMap(filesOf))
}

function filesOf(dialect: DialectName): [path: string, text: string][] {
  return [
    ...allStatementsOf(dialect, resolveTable({})).map((statement): [string, string] => [
      `sql/${dialect}/${statement.name}.sql`,
      statementText(dialect, statement),
    ]),
    [`sql/${dialect}/schema.sql`, schemaText(dialect)],
  ]
}

function statementText(dialect: DialectName, { name, sql, parameters }: Statement): string {
  const purpose = PURPOSES[name]
  if (purpose === undefined) throw new Error(`scripts/write-sql.ts does not say what the statement "${name}" is for`)
  const listed = parameters.map((parameter, index) =>
    dialect === 'postgres' ? `$${index + 1} ${parameter}` : parameter,
  )
  return `${header(dialect, purpose)}-- Parameters, in order: ${listed.join(', ')}\n\n${sql}\n`
}

function schemaText(dialect: DialectName): string {
  const purpose = `The table of the locks, as the migrations make it. ${TWICE[dialect]}`
  return `${header(dialect, purpose)}\n${schemaStatements(dialect)
    .map((sql) => `${sql};\n`)
    .join('\n')}`
}

function header(dialect: DialectName, purpose: string): string {
  return `-- ${DATABASES[dialect]}. ${purpose}\n-- Generated by \`npm run generate\`: do not edit.\n`
}

/** The files in `sql/` as they are now. */
export function presentSqlPaths(): string[] {
  return globSync('sql/*/*', { cwd: REPOSITORY }).sort()
}

if (import.meta.main) {
  const files = sqlFiles()
  for (const path of presentSqlPaths()) if (!files.has(path)) rmSync(join(REPOSITORY, path))
  writeGenerated(files)
}
