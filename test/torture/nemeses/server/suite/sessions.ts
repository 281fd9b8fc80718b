import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { limitConnections } from './limit-connections.ts'
import { alive, type Tested } from './tested.ts'

const REFUSED = expect.stringMatching(/^(53300|ER_CON_COUNT_ERROR)$/)

/** Faults that hurt the workers' sessions. */
export function troubleWithSessions(tested: Tested): void {
  const { family } = tested
  const worker = () => tested.worker()

  describe('kill sessions', () => {
    test('as many as were drawn', async () => {
      const four = [await worker(), await worker(), await worker(), await worker()]
      await tested.inject('kill sessions', { victims: 'one', chosen: 6 })
      expect(await alive(four)).toEqual([true, true, false, true])
      await tested.inject('kill sessions', { victims: 'half', chosen: 2 })
      expect(await alive(four)).toEqual([false, true, false, false])
      await tested.inject('kill sessions', { victims: 'all', chosen: 0 })
      expect(await alive(four)).toEqual([false, false, false, false])
    })

    test('nobody else: where workers have no session, there is nothing to kill', async () => {
      await expect(tested.inject('kill sessions', { victims: 'all', chosen: 0 })).rejects.toThrow('not injected')
      await tested.server.admin.query('select 1')
      expect(await tested.server.locks.createLock('asked after a kill').isLocked()).toBe(false)
    })
  })

  test('cancel statements: the statement ends, the session lives on', async () => {
    const one = await worker()
    const fault = tested.begin('cancel statements', { victims: 'all', chosen: 0 })
    const startMs = performance.now()
    // MySQL's sleep ends with an answer when it is cancelled, that of Postgres with an error.
    await one.query(family === 'postgres' ? 'select pg_sleep(5)' : 'select sleep(5)').catch(() => {})
    expect(performance.now() - startMs).toBeLessThan(4_000)
    await fault.end()
    expect(await alive([one])).toEqual([true])
  })

  test('fill connection limit: workers are refused, the torture is not, and afterwards nobody is', async () => {
    const unlimit = await limitConnections(tested.server, 12)
    const leaving = await worker()
    const fault = tested.begin('fill connection limit', {})
    try {
      await vi.waitFor(() => expect(worker()).rejects.toMatchObject({ code: REFUSED }), 5_000)
      leaving.close()
      await sleep(300)
      await expect(worker(), 'its place is taken').rejects.toMatchObject({ code: REFUSED })
      await tested.inject("stranger's transaction", {
        lock: 'for update',
        rows: 'all',
        chosen: 0,
        end: 'commit',
        forMs: 1,
      })
      await fault.end()
      await vi.waitFor(worker)
    } finally {
      // Else the tests that come next would meet a full server.
      await fault.end().catch(() => {})
      await unlimit()
    }
  })
}
