// node listening-worker.ts URL TABLE how
// Subscribes, hears, and is not told to exit. `how`: what it does then (see below).
import pg from 'pg'
import { pgStore } from '../../src/drivers/pg.ts'
import type { WakeSource } from '../../src/store/wake-source.ts'

const [url, tableName, how] = process.argv.slice(2)
const pool = new pg.Pool({ connectionString: url as string, max: 2 })
const store = pgStore({ pool, tableName })
const wakeSource = store.wakeSource as WakeSource
let isOver = false
let end = () => {}
await new Promise<void>((resolve) => {
  // What is heard keeps no process alive; this does.
  const patience = setTimeout(() => {}, 10_000)
  end = wakeSource.subscribe('key', () => {
    clearTimeout(patience)
    if (!isOver) console.log(`woken, hearing: ${wakeSource.isHearing}`)
    isOver = true
    resolve()
  })
})
await pool.end()
// The pool says that it has ended while its sockets are closing.
await new Promise((resolve) => setTimeout(resolve, 100))
if (how === 'unsubscribe') end()
if (how === 'close') {
  end()
  await store.close()
  const left = process.getActiveResourcesInfo().filter((resource) => /Timeout|TCPSocketWrap|TCPConnect/.test(resource))
  console.log(['closed', ...left].join(' '))
}
console.log('done')
