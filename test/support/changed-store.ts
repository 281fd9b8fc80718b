import { memoryStore } from '../../src/drivers/memory.ts'
import type { LockStore } from '../../src/index.ts'

/** The memory store with some members in the way: late, failing, silent. What they wrap is `real`. */
export function changedStore(make: (real: LockStore) => Partial<LockStore>): { real: LockStore; store: LockStore } {
  const real = memoryStore()
  const changed = make(real)
  const store = new Proxy(real, {
    get: (target, name) => {
      const member = changed[name as keyof LockStore] ?? target[name as keyof LockStore]
      return typeof member === 'function' ? member.bind(target) : member
    },
  })
  return { real, store }
}
