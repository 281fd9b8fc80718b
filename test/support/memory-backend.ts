import { memoryStore } from '../../src/drivers/memory.ts'
import { LockFactory } from '../../src/index.ts'
import type { ContractBackend } from './contract-backend.ts'

/** The specification itself. Its rows are private; tests of rows run on the databases. */
export const memoryBackend: ContractBackend = {
  name: 'memory',
  family: 'memory',
  async open() {
    let passedMs = 0
    const shared = memoryStore({ nowMs: () => performance.timeOrigin + performance.now() + passedMs })
    const noRows = () => Promise.reject(new Error('the memory store has no table'))
    return {
      address: undefined,
      send: noRows,
      store: () => shared,
      factory: (options) => new LockFactory(shared, options),
      async pass(ms) {
        passedMs += ms
      },
      setToken: noRows,
      async addFree(keys, forMs) {
        for (const key of keys) {
          await shared.tryAcquire({ key, owner: 'o', attempt: key, ttlUs: 1, heldBy: 'test' })
          await shared.forceRelease(key)
        }
        passedMs += forMs
      },
      rows: noRows,
      async close() {},
    }
  },
}
