import { LockFactory } from '../src/index.ts'
import { contract } from './suite/contract.ts'
import { BACKENDS } from './support/backends.ts'
import type { ContractBackend, TableAddress } from './support/contract-backend.ts'
import { openPresent } from './support/present-stores.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

for (const { name, family, url } of BACKENDS) {
  contract(presentBackend(family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)))
}

function presentBackend(backend: ContractBackend): ContractBackend {
  return {
    ...backend,
    name: `${backend.name}, presence`,
    hasPresence: true,
    async open() {
      const open = await backend.open()
      // One for all factories: each store has a connection of its own for its presence.
      const { store, end } = openPresent(open.address as TableAddress)
      return {
        ...open,
        store: () => store,
        factory: (options) => new LockFactory(store, options),
        async close() {
          await store.close()
          await end()
          await open.close()
        },
      }
    },
  }
}
