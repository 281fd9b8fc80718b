import { spawn } from 'node:child_process'
import { randomBytes } from 'node:crypto'
import { createInterface } from 'node:readline'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { isLockError, type LockFactory } from '../src/index.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'

/** G3: A is stopped (SIGSTOP) for longer than its TTL, B takes over and writes, A goes on and tries to write. B's write stands. */

const HOLDER = fileURLToPath(new URL('support/transactions/paused-holder.ts', import.meta.url))
const LONGER_THAN_TTL_MS = 1_200

for (const backend of tableBackends()) {
  describe(backend.name, () => {
    let open: OpenBackend
    let locks: LockFactory
    let written = ''
    beforeAll(async () => {
      open = await backend.open()
      locks = open.factory()
    })
    afterAll(() => open.close())

    const startHolder = async (key: string, when: string) => {
      written = `written_${randomBytes(4).toString('hex')}`
      await open.send(`create table ${written} (id integer primary key, body varchar(10))`)
      await open.send(`insert into ${written} (id, body) values (1, 'old')`)
      const child = spawn(process.execPath, [HOLDER, JSON.stringify(open.address), written, key, when], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      const lines = createInterface(child.stdout)[Symbol.asyncIterator]()
      expect((await lines.next()).value).toBe('paused')
      child.kill('SIGSTOP')
      await sleep(LONGER_THAN_TTL_MS)
      return {
        async goesOn() {
          child.kill('SIGCONT')
          return String((await lines.next()).value)
        },
      }
    }
    const body = async () => (await open.send(`select body from ${written}`))[0]?.body
    const writeAsB = async (key: string) => {
      const lock = locks.createLock(key, '1m')
      expect(await lock.acquire({ retry: { timeout: '5s' } })).toBe(true)
      await open.send(`update ${written} set body = 'B' where id = 1`)
      return lock
    }

    test('paused before its transaction: E_LOCK_LOST', async () => {
      const holder = await startHolder('before', 'before')
      const lock = await writeAsB('before')
      expect(await holder.goesOn()).toBe('outcome E_LOCK_LOST')
      expect(await body()).toBe('B')
      await lock.extend()
    })

    test('paused in its transaction, before the guard: it cannot commit', async () => {
      const holder = await startHolder('within', 'within')
      const lock = await writeAsB('within')
      // SQLite's snapshot is older than B's write: it cannot write at all.
      expect(['outcome E_LOCK_LOST', 'outcome E_TRANSACTION_CONFLICT']).toContain(await holder.goesOn())
      expect(await body()).toBe('B')
      await lock.extend()
    })

    test('paused after the guard: nobody can take over before it has committed', async () => {
      const holder = await startHolder('guarded', 'guarded')
      const early = await locks
        .createLock('guarded')
        .acquire({ retry: { timeout: 200, delay: 20 } })
        .catch((error: unknown) => isLockError(error, 'E_LOCK_STORAGE_ERROR') && 'busy')
      // SQLite cannot tell which key is locked, only that somebody writes.
      expect(early).toBe(backend.family === 'sqlite' ? 'busy' : false)
      expect(await holder.goesOn()).toBe('outcome committed')
      expect(await body()).toBe('A')
      await writeAsB('guarded')
      expect(await body()).toBe('B')
    })
  })
}

test.runIf(tableBackends().length === 0)('nothing to test: no database of this file is selected', () => {})
