import type { LockStore } from '../../../src/index.ts'
import { changed } from './changed.ts'

/** A store that does some things differently, and everything else as before. */
export function breakStore(change: (store: LockStore) => Partial<LockStore>): (store: LockStore) => LockStore {
  return (store) => changed(store, change(store))
}
