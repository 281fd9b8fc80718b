// node session-worker.ts FAMILY URL TABLE-NAME KEYS
// Takes that many session locks, prints `held`, and holds them until it is killed. `1:KEY` takes that one key and works under it in turn with others:
// it prints `in` and `out`, ten times.
import { setTimeout as sleep } from 'node:timers/promises'
import { LockFactory } from '../../src/index.ts'
import { openSessions } from './session-stores.ts'

const [family = '', url = '', tableName = '', keys = '1'] = process.argv.slice(2)
const app = openSessions(family as 'postgres' | 'mysql', url, { tableName })
const locks = new LockFactory(app.store)
const [count, key] = keys.split(':')
if (key === undefined) {
  await Promise.all(
    Array.from({ length: Number(count) }, (_, index) =>
      locks.createLock(`key:${index}`, { strategy: 'session' }).acquire(),
    ),
  )
  console.log('held')
  setInterval(() => {}, 1_000)
} else {
  console.log('ready')
  for (let turn = 0; turn < 10; turn++) {
    await locks.createLock(key, { strategy: 'session' }).run(async () => {
      console.log(`in ${Date.now() + performance.now() / 1e9}`)
      await sleep(5)
      console.log(`out ${Date.now()}`)
    })
  }
  await locks.close()
  await app.end()
}
