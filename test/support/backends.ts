import { inject } from 'vitest'
import type { WantedServer } from '../servers/wanted-servers.ts'

/** A database server that the tests can use. */
export interface Backend {
  /** `postgres` without a version is a server given by URL. */
  name: WantedServer['name']
  family: 'postgres' | 'mysql'
  url: string
  version: string
}

/** The servers that TEST_DATABASES selects and that could be had. */
export const BACKENDS: Backend[] = inject('servers').map((server) => ({ ...server, family: familyOf(server.name) }))

/**
 * The same with one Postgres, the newest: for what hardly depends on its version, such as the transactions of other libraries. The contract, the words, and the transactions
 * of Kysely and `pg` are tested on all.
 */
export const ONE_OF_EACH: Backend[] = BACKENDS.filter(
  ({ name }) => name !== 'postgres-14' || !BACKENDS.some((other) => other.name === 'postgres-18'),
)

function familyOf(name: WantedServer['name']): Backend['family'] {
  return name.startsWith('postgres') ? 'postgres' : 'mysql'
}
