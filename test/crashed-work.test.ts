import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test } from 'vitest'
import { tableBackends } from './support/contract-backends.ts'
import { startChild } from './support/running-child.ts'

const TTL_MS = 1_500

for (const backend of tableBackends()) {
  describe.concurrent(backend.name, () => {
    test('a leader that crashes is followed within its TTL, not before, and by a higher term', {
      timeout: 60_000,
    }, async () => {
      const open = await backend.open()
      const args = [JSON.stringify(open.address), 'lead', 'scheduler']
      const first = startChild('once-worker.ts', args)
      const term = Number((await first.line(/^at work/)).split(' ').at(-1))
      const others = [startChild('once-worker.ts', args), startChild('once-worker.ts', args)]
      await Promise.all(others.map((other) => other.line(/^ready/)))
      // For longer than its TTL: it is renewed.
      await sleep(2 * TTL_MS)
      expect(others.map((other) => other.output())).toEqual(['ready\n', 'ready\n'])

      const killedAtMs = performance.now()
      first.process.kill('SIGKILL')
      const line = await Promise.any(others.map((other) => other.line(/^at work/)))
      const tookMs = performance.now() - killedAtMs
      expect(Number(line.split(' ').at(-1))).toBeGreaterThan(term)
      // The last renewal was at most a third of the TTL ago; and what is left of the last is what is left of the crash.
      expect(tookMs).toBeGreaterThan(TTL_MS / 2 - 200)
      expect(tookMs).toBeLessThan(TTL_MS + 1_000)
      expect(others.filter((other) => /at work/.test(other.output()))).toHaveLength(1)
      for (const other of others) other.process.kill('SIGKILL')
      await Promise.all([first, ...others].map((child) => child.ended))
      await open.close()
    })

    test('a run whose process crashes can be run by another in the same period, after its TTL and not before', {
      timeout: 60_000,
    }, async () => {
      const open = await backend.open()
      const args = [JSON.stringify(open.address), 'once', 'nightly-report']
      const first = startChild('once-worker.ts', args)
      await first.line(/^at work/)
      await sleep(2 * TTL_MS)
      const early = startChild('once-worker.ts', args)
      await early.line(/^refused/)
      first.process.kill('SIGKILL')
      await first.ended
      await sleep(TTL_MS + 200)
      const locks = open.factory()
      expect(await locks.lastRun('nightly-report')).toBeNull()
      const second = startChild('once-worker.ts', args)
      await second.line(/^at work/)
      expect(await locks.runOncePer('nightly-report', '1h', () => 'intruder')).toEqual([false, null])
      second.process.kill('SIGKILL')
      await Promise.all([early.ended, second.ended])
      await locks.close()
      await open.close()
    })
  })
}

test.runIf(tableBackends().length === 0)('nothing to test: no database is selected', () => {})
