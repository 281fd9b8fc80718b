import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { runChild } from './support/child.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { tableBackends } from './support/contract-backends.ts'

/** Moves the wall clock of a process before anything else runs in it. */
function clockMovedBy(days: number): string[] {
  const program = `
    const RealDate = Date, shift = ${days * 86_400_000}
    globalThis.Date = class extends RealDate {
      constructor(...given) { given.length ? super(...given) : super(RealDate.now() + shift) }
      static now() { return RealDate.now() + shift }
    }
    const timeOrigin = performance.timeOrigin + shift
    Object.defineProperty(performance, 'timeOrigin', { get: () => timeOrigin })
  `
  return ['--import', `data:text/javascript,${encodeURIComponent(program)}`]
}

for (const backend of tableBackends()) {
  describe(`G4 ${backend.name}`, () => {
    let open: OpenBackend
    beforeAll(async () => {
      open = await backend.open()
    })
    afterAll(() => open.close())

    for (const days of [-3, 0, 3]) {
      test(`a process whose clock is ${days} days off behaves like any other`, { timeout: 30_000 }, async () => {
        const held = open.factory().createLock(`held:${days}`, '30s')
        const handedOver = open.factory().createLock(`handed:${days}`, '30s')
        const expired = open.factory().createLock(`expired:${days}`, '10s')
        await expired.acquire()
        await open.pass(11_000)
        await held.acquire()
        await handedOver.acquire()

        const args = [JSON.stringify(open.address), String(days), JSON.stringify(handedOver.serialize())]
        const { code, output } = await runChild('skewed-worker.ts', args, clockMovedBy(days))
        expect(code, output).toBe(0)
        const { clock, remaining, ...answers } = JSON.parse(output)
        expect(Math.abs(clock - Date.now() - days * 86_400_000)).toBeLessThan(60_000)
        expect(answers).toEqual({
          heldByOther: false,
          expiredOfOther: true,
          free: true,
          freeIsExpired: false,
          restoredBefore: true,
          restoredAfter: false,
        })
        for (const leftMs of remaining) expect(leftMs).toBeGreaterThan(20_000)
        for (const leftMs of remaining) expect(leftMs).toBeLessThanOrEqual(30_000)
        expect(await held.isLocked()).toBe(true)
        expect(await open.factory().createLock(`free:${days}`).acquireImmediately()).toBe(false)
        await open.pass(31_000)
        expect(await open.factory().createLock(`free:${days}`).acquireImmediately()).toBe(true)
      })
    }
  })
}
