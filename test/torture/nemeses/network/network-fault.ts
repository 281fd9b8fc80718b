import type { FaultDetails, FaultKind } from '../../fault.ts'
import type { FaultyProxy } from '../../faulty-proxy.ts'
import type { Random } from '../../random.ts'
import { WORKERS } from '../../workers.ts'

/** A fault of the connections of one worker. */
export function networkFault(
  kind: Pick<FaultKind, 'name' | 'weight'> & {
    readonly draw: (random: Random) => FaultDetails
    readonly inject: (details: FaultDetails, proxy: FaultyProxy, signal: AbortSignal) => Promise<void>
  },
): FaultKind {
  return {
    ...kind,
    lane: 'network',
    draw: (random) => ({ worker: random.integer(0, WORKERS - 1), ...kind.draw(random) }),
    async inject(details, { proxies }, signal) {
      const proxy = proxies[Number(details.worker)]
      if (proxy === undefined) throw new Error(`worker ${details.worker} has no proxy`)
      await kind.inject(details, proxy, signal)
    },
  }
}

/** One connection, by a number that is counted round those there are, or (-1) all of them. */
export function drawWhich(random: Random): number {
  return random.percent(50) ? -1 : random.integer(0, 5)
}

export function whichOf({ which }: FaultDetails): number | 'all' {
  return which === -1 ? 'all' : Number(which)
}
