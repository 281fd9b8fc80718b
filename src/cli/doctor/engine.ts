import type { DialectName } from '../../dialects/compiler.ts'

/** Which program answers, as it calls itself. */
export interface Engine {
  readonly name: 'Postgres' | 'MySQL' | 'MariaDB' | 'SQLite' | 'CockroachDB' | 'YugabyteDB' | 'TiDB' | 'Vitess'
  /** The numbers in front: `18.4`, `10.11.18`. */
  readonly version: string
}

/** Those that only speak the language of another one. Order matters: each also names what it is like. */
const RELATIVES = [
  ['CockroachDB', /^CockroachDB.*? v([\d.]+)/],
  ['YugabyteDB', /^PostgreSQL [\d.]+-YB-([\d.]+)/],
  ['TiDB', /-TiDB-v?([\d.]+)/i],
  ['Vitess', /^([\d.]+)-vitess/i],
  ['MariaDB', /^(?:5\.5\.5-)?([\d.]+)-MariaDB/i],
] as const

const PLAIN = { postgres: 'Postgres', mysql: 'MySQL', sqlite: 'SQLite' } as const

/** @param version what `version()` or `sqlite_version()` says */
export function engineOf(dialect: DialectName, version: string): Engine {
  for (const [name, pattern] of RELATIVES) {
    const found = pattern.exec(version)
    if (found) return { name, version: found[1] as string }
  }
  return { name: PLAIN[dialect], version: /[\d.]+/.exec(version)?.[0] ?? version }
}

/** Whether the version is that one or a later one; both as `10.11`. */
export function isAtLeast(version: string, least: string): boolean {
  const [given, wanted] = [version, least].map((text) => text.split('.').map(Number)) as [number[], number[]]
  for (const [index, part] of wanted.entries()) {
    const own = given[index] ?? 0
    if (own !== part) return own > part
  }
  return true
}
