import Database from 'better-sqlite3'
import { schemaStatements } from '../../src/schema/create-migrations.ts'
import type { CodeBlock } from './code-blocks.ts'
import { sendMysql, sendPostgres } from './throwaway-database.ts'

/** The table of the reader that the SQL examples write to, and the values of their `:names`. */
const READERS_TABLE = `
create table reports (id integer primary key, body varchar(100));
insert into reports (id, body) values (42, 'old');
`
const VALUES: Readonly<Record<string, string>> = { id: '42', body: "'new'", token: '1785062900123456' }

/** A colon in a text, and a cast of Postgres, are none. */
const PLACEHOLDER = /(?<![:\w]):([a-z]\w*)/g

/** Runs an SQL block on an empty database (with the lock table in it, if the block says so): the given one, or SQLite in memory. */
export async function runSql({ code, directives }: CodeBlock, url?: string): Promise<void> {
  const { run = 'sqlite' } = directives
  const lockTable = directives.with === 'locks' ? `${schemaStatements(run).join(';\n')};\n` : ''
  const sql = READERS_TABLE + lockTable + code.replace(PLACEHOLDER, (_, name) => literalFor(name))
  if (url === undefined) new Database(':memory:').exec(sql)
  else if (run === 'postgres') await sendPostgres(url, sql)
  else await sendMysql(url, sql)
}

function literalFor(name: string): string {
  const value = VALUES[name]
  if (value === undefined) throw new Error(`the SQL examples have no value for :${name}`)
  return value
}
