import type { Bench } from '../bench.ts'
import type { Keys } from '../workers/orders.ts'
import type { Play } from './compare.ts'

const WARM_UP_MS = 500
/** Many callers take a while until they no longer go in step. */
const WARM_UP_MS_PER_CALLER = 0.25

interface PairsWishes {
  readonly label?: string
  /** In each process. Left out: a key for each caller of each process. */
  readonly keys?: Keys
  readonly seconds?: number
}

/** So many callers in each process, each taking and releasing locks. */
export function pairsPlay(bench: Bench, callers: number, wishes: PairsWishes = {}): Play {
  const { label = labelOf(callers), keys, seconds = bench.settings.seconds } = wishes
  return {
    label,
    orderFor: (process) => ({
      kind: 'pairs',
      callers,
      keys: keys ?? { prefix: `caller ${process}:` },
      warmUpMs: Math.min(WARM_UP_MS + callers * WARM_UP_MS_PER_CALLER, seconds * 1000),
      measureMs: seconds * 1000,
    }),
  }
}

export function labelOf(callers: number): string {
  return callers === 1 ? '1 caller' : `${callers.toLocaleString('en')} callers`
}
