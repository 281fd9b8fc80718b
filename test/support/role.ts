import { randomBytes } from 'node:crypto'
import { LockFactory } from '../../src/index.ts'
import type { Backend } from './backends.ts'
import { codeBlocksOf } from './code-blocks.ts'
import type { ContractBackend, OpenBackend, TableAddress } from './contract-backend.ts'
import { openMysql } from './open-mysql.ts'
import { openPostgres } from './open-postgres.ts'
import { mysqlBackend, pgBackend } from './sql-backend.ts'
import { createDatabase, sendMysql, sendPostgres } from './throwaway-database.ts'

/** A page of the docs with the rights that an app needs, for both families of servers. */
const PAGE = 'docs/security.md'

/**
 * A table that an administrator has made, in a database of its own, as a role sees it that has the rights which the docs name, and no others.
 * What the suite does through the back door, the administrator does.
 */
export function roleBackend(server: Backend): ContractBackend {
  return { name: `${server.name}, with the least rights`, family: server.family, open: () => openAsRole(server) }
}

async function openAsRole(server: Backend): Promise<OpenBackend> {
  const { family } = server
  const database = await createDatabase(server)
  const admin = await (family === 'postgres' ? pgBackend : mysqlBackend)(server.name, database.url).open()
  const { tableName } = admin.address as TableAddress
  const role = `verrou_role_${randomBytes(4).toString('hex')}`
  const password = randomBytes(8).toString('hex')
  const names = { shop_app: role, verrou_locks: tableName, shop: nameOf(database.url), 'change me': password }
  const send = family === 'postgres' ? sendPostgres : sendMysql
  await send(database.url, named(grantsFor(family), names))

  const url = new URL(database.url)
  Object.assign(url, { username: role, password })
  const opened = family === 'postgres' ? openPostgres(url.href) : openMysql(url.href)
  return {
    ...admin,
    address: { family, url: url.href, tableName },
    store: () => opened.store(tableName),
    factory: (options) => new LockFactory(opened.store(tableName), options),
    async close() {
      await opened.close()
      await admin.close()
      await database.drop()
      await send(server.url, family === 'postgres' ? `drop role ${role}` : `drop user '${role}'@'%'`)
    },
  }
}

/** The statements of the page, as the reader sends them to the program of the database. */
export function grantsFor(family: Backend['family']): string {
  const program = family === 'postgres' ? 'psql' : 'mysql'
  const block = codeBlocksOf(PAGE).find(({ code }) => code.startsWith(`${program} `))
  const statements = /<<'SQL'\n([\s\S]*)\nSQL\n/.exec(block?.code ?? '')?.[1]
  if (statements === undefined) throw new Error(`${PAGE} has no statements for ${program}`)
  return statements
}

/** The names of the page replaced by those of the test. */
function named(statements: string, names: Readonly<Record<string, string>>): string {
  return statements.replaceAll(/shop_app|verrou_locks|\bshop\b|change me/g, (name) => names[name] as string)
}

function nameOf(url: string): string {
  return new URL(url).pathname.slice(1)
}
