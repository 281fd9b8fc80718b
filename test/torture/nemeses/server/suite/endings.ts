import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import { TcpProxy } from '../../../../support/tcp-proxy.ts'
import { Random } from '../../../random.ts'
import { limitConnections } from './limit-connections.ts'
import type { Tested } from './tested.ts'
import { traces } from './traces.ts'

const NEVER = new AbortController().signal

/** Whatever the fault, and whatever happens to it: it ends, and all is as it was. */
export function goodEndings(tested: Tested): void {
  let before: unknown
  let unlimit: () => Promise<unknown>
  let proxy: TcpProxy

  beforeEach(async () => {
    await tested.server.locks.createLock('there is a row').acquireImmediately()
    unlimit = await limitConnections(tested.server, 15)
    before = await traces(tested.server)
    proxy = await TcpProxy.to(tested.server.adminUrl)
  })
  afterEach(async () => {
    await proxy.down()
    await unlimit()
  })

  const allIsAsBefore = () => vi.waitFor(async () => expect(await traces(tested.server)).toEqual(before), 3_000)

  describe.each(tested.kinds)('$name', (kind) => {
    beforeEach((context) => {
      if (kind.name === 'dump' && !tested.canDump) context.skip()
    })
    const drawn = kind.draw(new Random(7))

    test('ends early', async () => {
      await tested.worker()
      const early = new AbortController()
      const fault = kind.inject({ ...drawn, forMs: 20_000 }, tested.server.scene(), early.signal)
      await sleep(150)
      early.abort()
      const startMs = performance.now()
      await fault
      expect(performance.now() - startMs).toBeLessThan(2_500)
      tested.closeWorkers()
      await allIsAsBefore()
    })

    test('says so where no server answers', async () => {
      const nowhere = tested.server.scene(proxy.through(tested.server.adminUrl))
      await expect(kind.inject({ ...drawn, forMs: 100 }, nowhere, NEVER)).rejects.toThrow()
    })

    test('bears that the server goes away and comes back', async () => {
      await proxy.up()
      await tested.worker()
      const scene = tested.server.scene(proxy.through(tested.server.adminUrl))
      const fault = kind.inject({ ...drawn, forMs: 250 }, scene, NEVER).catch(() => {})
      await sleep(100)
      await proxy.down()
      await sleep(100)
      await proxy.up()
      await fault
      tested.closeWorkers()
      await allIsAsBefore()
    })
  })
}
