import type { LockStore } from '../../../src/index.ts'

/** A store that does some things differently, and everything else as before. */
export function breakStore(change: (store: LockStore) => Partial<LockStore>): (store: LockStore) => LockStore {
  return (store) => {
    const changed = change(store)
    return new Proxy(store, {
      get(target, name) {
        if (name in changed) return Reflect.get(changed, name)
        const value = Reflect.get(target, name)
        return typeof value === 'function' ? value.bind(target) : value
      },
    })
  }
}
