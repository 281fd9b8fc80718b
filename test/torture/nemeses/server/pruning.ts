import type { FaultKind } from '../../fault.ts'
import type { Random } from '../../random.ts'
import { overAndOver } from './over-and-over.ts'
import type { ServerFamily } from './server-scene.ts'
import { sweepStatements } from './sweep-statements.ts'
import { AHEAD_EVERY_MS, setTokensAhead } from './token-ahead.ts'

/**
 * How long rows stay. A transaction under REPEATABLE READ, which is what MySQL begins, does not see that a row was taken, freed and removed since its
 * first look: for that, the retention must be longer than transactions are. In life it is an hour; workers' transactions take less than
 * four seconds.
 */
const RETENTIONS_MS = { postgres: [1, 20, 50, 200], sqlite: [1, 20, 50, 200], mysql: [4_000, 6_000] }

/** `aheadMs`: so far before the clock are tokens set; 0: not at all. */
export function drawPruning(random: Random, family: keyof typeof RETENTIONS_MS) {
  return {
    retentionMs: random.pick(RETENTIONS_MS[family]),
    aheadMs: random.pick([0, 0, 100, 1_000]),
    forMs: random.integer(1_000, 5_000),
  }
}

/**
 * Rows are swept away as soon as they have been free for a moment, while their keys are in use: whoever takes a key next makes
 * its row anew, and its token must be higher all the same.
 */
export const pruning = (family: ServerFamily): FaultKind => ({
  name: 'pruning at full speed',
  lane: 'server',
  weight: 12,
  draw: (random) => drawPruning(random, family),
  inject({ retentionMs, aheadMs, forMs }, scene, signal) {
    const { look, remove } = sweepStatements(family, scene.tableName)
    const retentionUs = Math.round(Number(retentionMs) * 1000)
    let afterKey = ''
    let aheadAtMs = 0
    return overAndOver(scene, signal, { forMs: Number(forMs), pauseMs: 1 }, async (session) => {
      // A failover that loses grants and a clock that was set back are one too many: the next token may be lower then.
      const isAhead = Number(aheadMs) > 0 && scene.database.maySuffer === undefined
      if (isAhead && performance.now() >= aheadAtMs) {
        await session.query(setTokensAhead(family, scene.tableName, Number(aheadMs)))
        aheadAtMs = performance.now() + AHEAD_EVERY_MS
      }
      const page = await session.query(look.sql, look.values({ afterKey, retentionUs }))
      afterKey = String(page.at(-1)?.key ?? '')
      for (const { key, is_old, free_since } of page) {
        if (!Number(is_old)) continue
        await session.query(remove.sql, remove.values({ keys: [String(key)], freeSinceUs: Number(free_since) }))
      }
    })
  },
})
