// node watching-worker.ts FILE MODE
// Another process on an SQLite file. `hear`: says "hearing", then "woken" for every time that it is woken, with the moment. `idle`:
// subscribes, and has nothing else to do.
import Database from 'better-sqlite3'
import { sqliteStore } from '../../src/drivers/better-sqlite3.ts'

const [path = '', mode = 'idle'] = process.argv.slice(2)
const { wakeSource } = sqliteStore({ database: new Database(path) })
if (wakeSource === undefined) throw new Error('a file has no wake source')

let isHearing = false
wakeSource.subscribe('key', () => {
  console.log(isHearing ? `woken ${process.hrtime.bigint()}` : 'hearing')
  isHearing = true
})
if (mode === 'hear') process.stdin.resume()
else console.log('nothing else to do')
