import { setTimeout as sleep } from 'node:timers/promises'
import { expect, test } from 'vitest'
import { LockFactory } from '../src/index.ts'
import { BACKENDS } from './support/backends.ts'
import { openMysql } from './support/open-mysql.ts'
import { openPostgres } from './support/open-postgres.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'
import { TcpProxy } from './support/tcp-proxy.ts'

const TTL_MS = 1_500
const HOLDS = 5

for (const { name, family, url } of BACKENDS) {
  test(`${name}: when renewals hang for ever, signals abort before the database lets anybody in`, {
    timeout: 60_000,
  }, async () => {
    const open = await (family === 'postgres' ? pgBackend : mysqlBackend)(name, url).open()
    const proxy = await TcpProxy.to(url)
    await proxy.up()
    const opened = (family === 'postgres' ? openPostgres : openMysql)(proxy.through(url))
    const locks = new LockFactory(opened.store(open.address?.tableName as string))
    const abortedAtMs: number[] = []
    const keys = Array.from({ length: HOLDS }, (_, index) => `hanging:${index}`)
    for (const [index, key] of keys.entries()) {
      const held = await locks.createLock(key, TTL_MS).hold({ keepAlive: true })
      held.signal.addEventListener('abort', () => {
        abortedAtMs[index] = performance.now()
      })
    }
    // Renewed once at least; then the network goes silent.
    await sleep(TTL_MS)
    expect(abortedAtMs).toEqual([])
    proxy.mute()

    const observer = open.factory()
    const margins = await Promise.all(
      keys.map(async (key, index) => {
        await observer.createLock(key).acquire({ retry: { delay: 2 } })
        const grantedAtMs = performance.now()
        // If it has not aborted yet, that is the very thing that must not be.
        return grantedAtMs - (abortedAtMs[index] ?? Number.POSITIVE_INFINITY)
      }),
    )
    console.info(`${name}: margins ${margins.map((marginMs) => marginMs.toFixed(1)).join(', ')} ms`)
    for (const marginMs of margins) expect(marginMs).toBeGreaterThan(0)
    await proxy.down()
    await locks.close()
    await opened.close()
    await open.close()
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
