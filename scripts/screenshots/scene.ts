import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { connect } from '../../src/cli/connect.ts'
import type { LockFactory } from '../../src/index.ts'
import { migrateToLatest } from '../../src/schema/migrations.ts'

/** What goes on in the database while pictures are taken. */
export interface Scene {
  /** Milliseconds since it began. */
  readonly ageMs: number
  end(): Promise<void>
}

/** A small shop, in the embedded file of the folder: workers that take the same keys, a waiter, an import without an end, and a worker that died. */
export async function playScene(folder: string): Promise<Scene> {
  const connection = await connect({ url: `sqlite:${join(folder, 'verrou.db')}`, isMigrating: true })
  await migrateToLatest(connection.db)
  const at = (label: string) => connection.openLocks({ label, keepAlive: true })
  const ending = new AbortController()
  const begunMs = performance.now()

  const labels = ['billing-1@eu-west', 'billing-2@eu-west', 'mailer-1@eu-west', 'reports@batch', 'worker-7@us-east']
  const workers = labels.map((label) => work(at(label), ending.signal))
  await at('importer@batch').createLock('import:customers', null).hold()
  await at('billing-7@eu-west').createLock('invoice:4711', '90s').hold()
  for (let shelf = 1; shelf <= 9; shelf++)
    await at(`stock-${shelf % 3}@eu-west`)
      .createLock(`stock:shelf-${shelf}`, '10m')
      .hold()
  const waiting = at('billing-8@eu-west').createLock('invoice:4711').acquire({ signal: ending.signal })
  const dying = dieSometimes(at('crashed-3@us-east'), ending.signal)
  return {
    get ageMs() {
      return performance.now() - begunMs
    },
    async end() {
      ending.abort()
      await Promise.allSettled([...workers, waiting, dying])
      await connection.close()
    },
  }
}

/** A few keys for many: some are waited for. */
async function work(locks: LockFactory, signal: AbortSignal): Promise<void> {
  const keys = ['report:daily', 'mail:outbox', 'order:1042', 'order:1043', 'order:1044', 'search:reindex']
  while (!signal.aborted) {
    const key = keys[Math.floor(Math.random() * keys.length)]!
    await locks.createLock(key, '20s').run(() => sleep(workMs(), undefined, { signal }), { signal })
    await sleep(100 + Math.random() * 900, undefined, { signal })
  }
}

/** Most work is short; some of it takes ten times as long. */
function workMs(): number {
  return 400 * Math.exp(Math.random() * Math.random() * 4)
}

/** Leases that nobody releases. */
async function dieSometimes(locks: LockFactory, signal: AbortSignal): Promise<void> {
  for (let order = 7_001; !signal.aborted; order++) {
    await locks.createLock(`order:${order}`, '6s').acquire({ signal })
    await sleep(17_000, undefined, { signal })
  }
}
