// A server that ends well on SIGTERM: no new work, no new locks; work in progress comes to an end, its locks are given back, and only then the
// pool is closed. `verrou.close()` takes 20 s at most. Kubernetes waits for 30 s before it sends SIGKILL.
//   npm run build && DATABASE_URL=postgres://… node examples/graceful-shutdown.ts
import { once } from 'node:events'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import pg from 'pg'
import { isLockError, Verrou } from 'verrou-sql'
import { pgStore } from 'verrou-sql/drivers/pg'

const pool = new pg.Pool({ connectionString: process.env.DATABASE_URL })
pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
const verrou = new Verrou({
  default: 'pg',
  stores: { pg: { driver: pgStore({ pool, autoCreateTable: true }) } },
  keepAlive: true,
})

const server = createServer(async (_request, response) => {
  const [status, text] = await answerTo()
  // While we close, no connection is kept for a next request.
  response.writeHead(status, server.listening ? {} : { connection: 'close' }).end(text)
})

async function answerTo(): Promise<[status: number, text: string]> {
  try {
    const [, pages] = await verrou.createLock('report', '10s').run(({ signal }) => writePages(signal))
    return [200, `stopped early: ${Number(pages) < 1_000}`]
  } catch (error) {
    // Whoever still waits when we close is told to come back: another instance serves it.
    return isLockError(error, 'E_CLOSED') ? [503, 'try again'] : [500, 'something went wrong']
  }
}

/** Work in small steps, with a look at the signal between them: it aborts when the lease is lost, and when we close. */
async function writePages(signal: AbortSignal): Promise<number> {
  let pages = 0
  for (; pages < 1_000 && !signal.aborted; pages++) await sleep(20)
  return pages
}

async function shutDown(): Promise<void> {
  const closed = once(server, 'close')
  server.close()
  await verrou.close()
  await closed
  await pool.end()
}
const ended = once(process, 'SIGTERM').then(shutDown)

// Two requests want the same lock: one is at work, the other one waits. Then somebody deploys.
await once(server.listen(0, '127.0.0.1'), 'listening')
const url = `http://127.0.0.1:${(server.address() as AddressInfo).port}/`
const working = fetch(url)
while (!(await verrou.createLock('report').isLocked())) await sleep(10)
const waiting = fetch(url)
await once(server, 'request')
process.kill(process.pid, 'SIGTERM')

const answer = await working
console.log(answer.status, await answer.text()) // 200 stopped early: true
console.log((await waiting).status) // 503
await ended
console.log('closed') // closed
