import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, beforeEach, describe, expect, onTestFinished, test } from 'vitest'
import { LockFactory, type LockFactoryOptions } from '../src/index.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend, TableAddress } from './support/contract-backend.ts'
import { type PresenceSessions, presenceSessions } from './support/presence-sessions.ts'
import { openPresent } from './support/present-stores.ts'
import { startChild } from './support/running-child.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** `presence: true`: a process that is gone holds nothing, and one that is there is never robbed. */

const HELD = 1_000
/** P10. */
const MOST_MS = 100

for (const { name, family, url } of BACKENDS) {
  describe(name, () => {
    let open: OpenBackend
    let address: TableAddress
    let sessions: PresenceSessions

    beforeAll(async () => {
      open = await (family === 'postgres' ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      address = open.address as TableAddress
      sessions = presenceSessions(open)
    })
    afterAll(() => open.close())
    beforeEach(async () => {
      await open.send(`delete from ${address.tableName}`)
    })

    /** As another process of the app. */
    function locksOf(presence = true, options: LockFactoryOptions = {}): LockFactory {
      const app = openPresent(address, presence)
      const locks = new LockFactory(app.store, options)
      onTestFinished(async () => {
        await locks.close()
        await app.end()
      })
      return locks
    }

    async function killed(waiting?: (keys: readonly string[]) => Promise<unknown>) {
      const child = startChild('presence-worker.ts', [JSON.stringify(address), String(HELD)])
      onTestFinished(() => void child.process.kill('SIGKILL'))
      await child.line(/^holds$/)
      const keys = Array.from({ length: HELD }, (_, n) => `k${n}`)
      const session = (await sessions.sessionOf('k0')) as number
      expect(session).toBeTypeOf('number')
      const granted = waiting?.(keys)
      if (granted) await sleep(1_500)
      const killedMs = performance.now()
      child.process.kill('SIGKILL')
      while (await sessions.isThere(session)) await sleep(1)
      return { keys, killedMs, goneMs: performance.now(), granted }
    }

    test(`kill -9: ${HELD} leases of five minutes can be taken at once`, { timeout: 60_000 }, async () => {
      const locks = locksOf()
      await warmUp(locks)
      const { keys, killedMs, goneMs } = await killed()
      const taken = await Promise.all(keys.map((key) => locks.createLock(key, '5m').acquireImmediately()))
      const endMs = performance.now()
      expect(taken.every((isTaken) => isTaken)).toBe(true)
      tell('tries', { killedMs, goneMs, endMs })
      expect(endMs - goneMs).toBeLessThan(MOST_MS * SLACK)
    })

    test(`kill -9: those who wait for ${HELD} leases get them at once`, { timeout: 60_000 }, async () => {
      const locks = locksOf()
      await warmUp(locks)
      const wait = (keys: readonly string[]) => Promise.all(keys.map((key) => locks.createLock(key, '5m').acquire()))
      const { killedMs, goneMs, granted } = await killed(wait)
      await granted
      const endMs = performance.now()
      tell('waiters', { killedMs, goneMs, endMs })
      expect(endMs - goneMs).toBeLessThan(MOST_MS * SLACK)
    })
  })
}

/** A process that has worked before: its code is compiled, and its connections are open. */
async function warmUp(locks: LockFactory): Promise<void> {
  for (let round = 0; round < 5; round++) {
    await Promise.all(Array.from({ length: 200 }, (_, n) => locks.createLock(`warm ${n}`).run(() => {})))
  }
}

/** What a machine that is busy with other tests is given. `VERROU_TELL=1` prints the figures; those of docs/decisions/0028 are from here. */
const SLACK = 20

function tell(what: string, { killedMs, goneMs, endMs }: { killedMs: number; goneMs: number; endMs: number }): void {
  if (process.env.VERROU_TELL !== undefined) {
    console.log(
      `${what}: ${(endMs - goneMs).toFixed(0)} ms after the session was gone, ${(endMs - killedMs).toFixed(0)} ms after the kill`,
    )
  }
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
