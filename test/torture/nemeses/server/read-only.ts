import type { FaultKind } from '../../fault.ts'
import { changeDefault } from './change-defaults.ts'

/** Postgres: the database takes no writes for a while, as hosted ones do when the disk is nearly full. */
export const readOnly: FaultKind = {
  name: 'read only',
  lane: 'server',
  weight: 5,
  draw: (random) => ({ forMs: random.integer(500, 3_000) }),
  inject: ({ forMs }, scene, signal) =>
    changeDefault(scene, signal, { name: 'default_transaction_read_only', value: 'on', forMs: Number(forMs) }),
}
