import type { FaultKind } from '../../fault.ts'
import type { Random } from '../../random.ts'
import { overAndOver } from './over-and-over.ts'
import { serverFamily } from './server-scene.ts'
import { sweptSoon } from './swept-soon.ts'
import { AHEAD_EVERY_MS, setTokensAhead } from './token-ahead.ts'

/**
 * A transaction under REPEATABLE READ, which is what MySQL begins, does not see that a row was taken, freed and removed since its first look: for
 * that, the retention must be longer than transactions are. In life it is an hour. Here, workers' transactions take less than this.
 */
const LONGEST_TRANSACTION_MS = 4_000

/** `aheadMs`: so far before the clock are tokens set; 0: not at all. */
export function drawPruning(random: Random) {
  return {
    retentionMs: random.pick([1, 20, 50, 200]),
    aheadMs: random.pick([0, 0, 100, 1_000]),
    forMs: random.integer(1_000, 5_000),
  }
}

/**
 * Rows are swept away as soon as they have been free for a moment, while their keys are in use: whoever takes a key next makes
 * its row anew, and its token must be higher all the same.
 */
export const pruning: FaultKind = {
  name: 'pruning at full speed',
  lane: 'server',
  weight: 12,
  draw: drawPruning,
  inject({ retentionMs, aheadMs, forMs }, scene, signal) {
    const family = serverFamily(scene)
    const least = family === 'mysql' ? LONGEST_TRANSACTION_MS : 0
    const { look, remove } = sweptSoon(family, scene.tableName, Math.max(Number(retentionMs), least))
    let afterKey = ''
    let aheadAtMs = 0
    return overAndOver(scene, signal, { forMs: Number(forMs), pauseMs: 1 }, async (session) => {
      // A failover that loses grants and a clock that was set back are one too many: the next token may be lower then.
      const isAhead = Number(aheadMs) > 0 && scene.database.maySuffer === undefined
      if (isAhead && performance.now() >= aheadAtMs) {
        await session.query(setTokensAhead(family, scene.tableName, Number(aheadMs)))
        aheadAtMs = performance.now() + AHEAD_EVERY_MS
      }
      const page = await session.query(look.sql, look.values({ afterKey }))
      afterKey = String(page.at(-1)?.key ?? '')
      for (const { key, is_old } of page)
        if (Number(is_old)) await session.query(remove.sql, remove.values({ key: String(key) }))
    })
  },
}
