import type { FaultKind } from '../../fault.ts'
import { overAndOver } from './over-and-over.ts'
import { serverFamily } from './server-scene.ts'
import { sweptSoon } from './swept-soon.ts'

/**
 * Rows are swept away as soon as they have been free for a moment, while their keys are in use: whoever takes a key next makes
 * its row anew, and its token must be higher all the same.
 */
export const pruning: FaultKind = {
  name: 'pruning at full speed',
  lane: 'server',
  weight: 12,
  draw: (random) => ({ retentionMs: random.pick([1, 20, 50, 200]), forMs: random.integer(1_000, 5_000) }),
  inject({ retentionMs, forMs }, scene, signal) {
    const { look, remove } = sweptSoon(serverFamily(scene), scene.tableName, Number(retentionMs))
    let afterKey = ''
    return overAndOver(scene, signal, { forMs: Number(forMs), pauseMs: 1 }, async (session) => {
      const page = await session.query(look.sql, look.values({ afterKey }))
      afterKey = String(page.at(-1)?.key ?? '')
      for (const { key, is_old } of page)
        if (Number(is_old)) await session.query(remove.sql, remove.values({ key: String(key) }))
    })
  },
}
