import { setTimeout as sleep } from 'node:timers/promises'
import { LockFactory, type LockStore } from '../../src/index.ts'

/** The store to measure. */
export interface MeasuredStore {
  readonly family: 'postgres' | 'mysql'
  readonly url: string
  readonly portable: boolean
}

const WARM_UP_MS = 1_000
/** Keys of each caller: what apps lock, they lock again. */
const KEYS_EACH = 100

/** How often in a second so many callers take and release a lock, each with keys of its own, on a connection each. */
export async function pairsPerSecond(measured: MeasuredStore, callers: number, seconds: number): Promise<number> {
  const { store, end } = await openStore(measured, callers)
  const locks = new LockFactory(store)
  let pairs = 0
  let isOver = false
  const call = async (caller: number) => {
    for (let n = 0; !isOver; n++) {
      const lock = locks.createLock(`caller ${caller}: ${n % KEYS_EACH}`, '30s')
      if (!(await lock.acquireImmediately())) throw new Error('a key that nobody else has was refused')
      await lock.release()
      pairs++
    }
  }
  const calling = Promise.all(Array.from({ length: callers }, (_, caller) => call(caller)))
  await sleep(WARM_UP_MS)
  const [pairsBefore, startMs] = [pairs, performance.now()]
  await sleep(seconds * 1000)
  const perSecond = ((pairs - pairsBefore) * 1000) / (performance.now() - startMs)
  isOver = true
  await calling
  await locks.close()
  await end()
  return perSecond
}

async function openStore(
  { family, url, portable }: MeasuredStore,
  connections: number,
): Promise<{ store: LockStore; end(): Promise<void> }> {
  if (family === 'postgres') {
    const { default: pg } = await import('pg')
    const { pgStore } = await import('../../src/drivers/pg.ts')
    const pool = new pg.Pool({ connectionString: url, max: connections })
    return { store: pgStore({ pool, portable, listen: false }), end: () => pool.end() }
  }
  const { default: mysql } = await import('mysql2/promise')
  const { mysqlStore } = await import('../../src/drivers/mysql2.ts')
  const pool = mysql.createPool({ uri: url, connectionLimit: connections })
  return { store: mysqlStore({ pool, portable }), end: () => pool.end() }
}
