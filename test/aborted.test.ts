import { expect, test } from 'vitest'
import { runChild } from './support/child.ts'
import { tableBackends } from './support/contract-backends.ts'

const CALLS = 10_000

for (const backend of tableBackends()) {
  test.concurrent(`${backend.name}: of ${CALLS} acquires aborted at random moments nothing is left`, {
    timeout: 120_000,
  }, async () => {
    const open = await backend.open()
    const args = [JSON.stringify(open.address), String(CALLS)]
    const { code, output } = await runChild('aborting-worker.ts', args, ['--expose-gc'])
    // By itself: whatever it had left open would have kept it alive.
    expect(`${code}`, output).toBe('0')
    const { counts, before, after, stillHeld, failure } = JSON.parse(output.trim().split('\n').at(-1) ?? '')
    expect(failure).toBeUndefined()
    expect(stillHeld).toEqual([])
    expect(counts.granted).toBeGreaterThan(0)
    expect(counts.aborted).toBeGreaterThan(1_000)
    expect(after.timers).toBeLessThanOrEqual(before.timers)
    expect(after.sockets).toBeLessThanOrEqual(before.sockets)
    expect(after.heapMb - before.heapMb).toBeLessThan(3)
    await open.close()
  })
}

test.runIf(tableBackends().length === 0)('nothing to test: no database is selected', () => {})
