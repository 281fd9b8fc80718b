import { fileURLToPath } from 'node:url'
import { CliError } from '../cli-error.ts'

/** Where a database is. */
export type DatabaseAddress =
  | { readonly kind: 'postgres' | 'mysql'; readonly url: string; readonly shownUrl: string }
  | { readonly kind: 'sqlite'; readonly path: string }

const SERVERS: Readonly<Record<string, 'postgres' | 'mysql'>> = {
  'postgres:': 'postgres',
  'postgresql:': 'postgres',
  'mysql:': 'mysql',
  'mariadb:': 'mysql',
}

const KNOWN = 'postgres://…, mysql://…, mariadb://…, sqlite:path, file:path, or the path of an SQLite file'

/**
 * Reads a URL, or a path. No message repeats it: it may have a password in it.
 *
 * @param source where it comes from: `--url`, `DATABASE_URL`
 * @throws CliError
 */
export function databaseAddress(source: string, given: string): DatabaseAddress {
  if (given.trim() === '') throw new CliError('USAGE', `${source} is empty: give ${KNOWN}`)
  // One letter is a drive of Windows.
  const scheme = /^([a-z][a-z\d+.-]+:)/i.exec(given)?.[1]?.toLowerCase()
  const server = scheme === undefined ? undefined : SERVERS[scheme]
  if (scheme !== undefined && server) return serverAddress(source, given, server)
  if (scheme === 'file:' || scheme === 'sqlite:') return { kind: 'sqlite', path: pathIn(source, given) }
  if (scheme === undefined || !/^[^:]+:\/\//.test(given)) return { kind: 'sqlite', path: filePath(source, given) }
  throw new CliError('USAGE', `${source} begins with ${scheme}//, which is none of ours: give ${KNOWN}`)
}

function serverAddress(source: string, given: string, kind: 'postgres' | 'mysql'): DatabaseAddress {
  const url = URL.parse(given)
  const advice = `${kind}://user:password@host:port/database, with special characters of the password as %-codes`
  if (!url || !/^[a-z]+:\/\//i.test(given)) throw new CliError('USAGE', `${source} cannot be read: give ${advice}`)
  // Postgres knows sockets: postgres:///database?host=/run/postgresql
  if (kind === 'mysql' && url.hostname === '') throw new CliError('USAGE', `${source} names no host: give ${advice}`)
  // Both drivers decode the password, and would fail with the text of it in their message.
  if (!canBeDecoded(url)) throw new CliError('USAGE', `${source} has a % that is no %-code: write it as %25`)
  return { kind, url: given.replace(/^mariadb:/i, 'mysql:'), shownUrl: withoutSecrets(url) }
}

function canBeDecoded({ username, password, pathname }: URL): boolean {
  try {
    for (const part of [username, password, pathname]) decodeURIComponent(part)
    return true
  } catch {
    return false
  }
}

/** Queries, too, can have passwords in them. */
function withoutSecrets({ protocol, username, host, pathname }: URL): string {
  return `${protocol}//${username === '' ? '' : `${username}@`}${host}${pathname}`
}

function pathIn(source: string, given: string): string {
  if (/^file:\/\//i.test(given)) {
    try {
      return fileURLToPath(given)
    } catch (cause) {
      throw new CliError('USAGE', `${source} is no file URL: give file:path or file:///absolute/path`, { cause })
    }
  }
  return filePath(source, given.replace(/^(file|sqlite):(\/\/)?/i, ''))
}

function filePath(source: string, path: string): string {
  if (path === ':memory:' || path === '') {
    throw new CliError('USAGE', `${source} names no file: locks in memory would end with this command`)
  }
  return path
}
