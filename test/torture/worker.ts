// node worker.ts SETTINGS-JSON
// Works with locks until it is told to finish, and writes down everything that it does and is told. May be killed at any moment.
import { setTimeout as sleep } from 'node:timers/promises'
import { LockFactory } from '../../src/index.ts'
import { BROKEN_BUILDS } from './broken/broken-builds.ts'
import { HistoryWriter } from './history.ts'
import { WATCH_EVERY_MS } from './stalls.ts'
import { workFor } from './work/work-kinds.ts'
import { WorkTable } from './work-table.ts'
import { openWorkerDatabase } from './worker-database.ts'
import type { WorkerOrder } from './worker-process.ts'
import type { WorkerSettings } from './worker-settings.ts'

const settings: WorkerSettings = JSON.parse(process.argv[2] ?? '')
const broken = BROKEN_BUILDS.find(({ name }) => name === settings.broken)
if (settings.broken !== undefined && broken === undefined)
  throw new Error(`there is no broken build "${settings.broken}"`)
await broken?.breakProcess?.()

const history = new HistoryWriter(settings.folder, settings.process)
const database = await openWorkerDatabase(settings, broken)
const store = broken?.breakStore?.(database.store) ?? database.store
const locks = new LockFactory(store, { label: `torture-${settings.process}` })
const table = new WorkTable(settings, database, locks, history)
const kinds = workFor(settings.only, settings.hasSessionLocks)
const started = { pieces: 0, isFinishing: false }

process.on('message', (message) => {
  const order = message as WorkerOrder
  if (order.order === 'block') block(order.forMs)
  else started.isFinishing = true
})
// The torture is gone: nobody would ever end this process.
const orphaned = () => process.exit(1)
process.on('disconnect', orphaned)

history.write({ e: 'began', isPresent: settings.presence })
// From now on it can be told to finish.
process.send?.('began')
// Nobody may listen any more when it is closed: who listens keeps the presence.
const isToldNoMore = store.presence?.onGone(() => history.write({ e: 'presence gone' }))
const watch = watchForStalls()
await Promise.all(Array.from({ length: settings.atOnce }, work))
isToldNoMore?.()
await locks.close()
await database.close()
clearInterval(watch)
history.write({ e: 'closed' })
history.close()
process.off('disconnect', orphaned)
process.disconnect()

/** One piece of work after the other. */
async function work(): Promise<void> {
  while (!started.isFinishing) {
    const op = `${settings.process}:${started.pieces++}`
    const kind = table.draw(kinds)
    await kind.perform(table.toolsFor(op))
    history.write({ e: 'done', op, work: kind.name })
    await sleep(Math.random() * 30)
  }
}

/** A computation that lasts. */
function block(forMs: number): void {
  const until = performance.now() + forMs
  while (performance.now() < until);
}

/** Says when this process stood still, and what its time of day is. */
function watchForStalls(): NodeJS.Timeout {
  let last = performance.now()
  let beats = 0
  return setInterval(() => {
    const now = performance.now()
    const forMs = now - last - WATCH_EVERY_MS
    last = now
    if (forMs > WATCH_EVERY_MS) history.write({ e: 'stalled', forMs: Math.round(forMs) })
    if (++beats % 20 === 0) history.write({ e: 'clock', wall: Date.now() })
  }, WATCH_EVERY_MS)
}
