import type { Bench } from '../bench.ts'
import { compare } from '../measure/compare.ts'
import type { Contender } from '../measure/contender.ts'
import { pairsPlay } from '../measure/pairs-play.ts'

const SIZES = [5, 10, 20, 40, 80]
const SECONDS = 1

/** With how many connections a contender is fastest, and how fast with each; `undefined` where it cannot be measured. */
export async function bestPoolSize(
  bench: Bench,
  contender: Contender,
  callers: number,
): Promise<{ best: number; tried: string } | undefined> {
  const sized = SIZES.map((poolSize) => ({ ...contender, poolSize, label: `${contender.label}, pool of ${poolSize}` }))
  const seconds = Math.min(SECONDS, bench.settings.seconds)
  const play = pairsPlay(bench, callers, { seconds })
  const comparison = await compare(bench, sized, [play], Math.min(2, bench.settings.rounds))
  const seen = sized.flatMap(({ label, poolSize }) => {
    const perSecond = comparison.series(label, play.label)?.summary().perSecond.median
    return perSecond === undefined ? [] : [{ poolSize, perSecond }]
  })
  const best = seen.toSorted((one, other) => other.perSecond - one.perSecond)[0]
  if (best === undefined) return undefined
  return { best: best.poolSize, tried: seen.map((one) => `${one.poolSize}: ${one.perSecond.toFixed(0)}/s`).join(', ') }
}
