import { breakStore } from './break-store.ts'
import type { BrokenBuild } from './broken-build.ts'

/** Of leases that end with their process. */
export const PRESENCE_BUILDS: readonly BrokenBuild[] = [
  {
    name: 'a presence that is believed to be gone too early',
    families: ['postgres', 'mysql'],
    work: ['lease that ends with its process'],
    caughtBy: ['the living were robbed'],
    // On whatever connection it is sent: the store has two of its own.
    async breakProcess() {
      const { breakDrivers } = await import('../../support/present-stores.ts')
      breakDrivers((sql) =>
        sql
          .replace(/pg_try_advisory_xact_lock_shared\(.*::bigint\)/g, 'true')
          .replace(/is_free_lock\(concat\(.*? using utf8mb4\)\)\)/g, '1'),
      )
    },
  },
  {
    name: 'a presence whose loss nobody is told of',
    families: ['postgres', 'mysql'],
    work: ['lease that ends with its process'],
    faults: ['kill sessions', 'cut connections'],
    caughtBy: ['two believe to hold', 'the living were robbed'],
    breakStore: breakStore(({ presence }) => (presence ? { presence: { onGone: () => () => {} } } : {})),
  },
]
