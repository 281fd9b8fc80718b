import { isSelected } from '../servers/selection.ts'
import { BACKENDS, ONE_OF_EACH } from './backends.ts'
import type { ContractBackend } from './contract-backend.ts'
import { memoryBackend } from './memory-backend.ts'
import { kyselyBackend, mysqlBackend, pgBackend, sqliteBackend } from './sql-backend.ts'

/** Every database that TEST_DATABASES selects and this machine has, through the driver of its own, and the memory store. */
export function directBackends(): ContractBackend[] {
  return [...(isSelected('memory') ? [memoryBackend] : []), ...tableBackends()]
}

/** The same without the memory store: those that have a table. */
export function tableBackends(of = BACKENDS): ContractBackend[] {
  const servers = of.map(({ name, family, url }) =>
    family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url),
  )
  return [...(isSelected('sqlite') ? [sqliteBackend()] : []), ...servers]
}

/** With one Postgres. */
export function oneTableBackendOfEach(): ContractBackend[] {
  return tableBackends(ONE_OF_EACH)
}

/** One server of each family, without batches: what else is tested with them works without them, too. */
export function unbatchedBackends(): ContractBackend[] {
  const servers = BACKENDS.flatMap(({ name, url }) => {
    if (name === 'postgres-14') return [pgBackend(name, url, undefined, false)]
    return name === 'mariadb' ? [mysqlBackend(name, url, false)] : []
  })
  return [...(isSelected('sqlite') ? [sqliteBackend(false)] : []), ...servers]
}

/** Every database through Kysely. */
export function kyselyBackends(): ContractBackend[] {
  return [
    ...(isSelected('sqlite') ? [kyselyBackend('sqlite', 'sqlite', ':memory:')] : []),
    ...(isSelected('postgres') ? [kyselyBackend('pglite', 'postgres', 'pglite')] : []),
    ...ONE_OF_EACH.map(({ name, family, url }) => kyselyBackend(name, family, url)),
  ]
}
