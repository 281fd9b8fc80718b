import { setTimeout as sleep } from 'node:timers/promises'
import type { FaultKind } from '../fault.ts'
import type { RestartableServer } from '../servers/restartable-server.ts'

interface Crash {
  readonly name?: string
  /** The server that it happens to, as of now; throws if there is none any more. */
  readonly server: () => RestartableServer
  /** By signal: SIGKILL kills all of it, the others ask. */
  readonly signals: readonly NodeJS.Signals[]
  readonly weight?: number
}

/** A server ends, is away for a while, and comes back on the same data. */
export function crashAndRestart({ name = 'crash and restart', server, signals, weight = 10 }: Crash): FaultKind {
  return {
    name,
    lane: 'server',
    weight,
    draw: (random) => ({ signal: random.pick(signals), forMs: random.integer(100, 3_000) }),
    async inject({ signal, forMs }, _scene, aborted) {
      const hurt = server()
      await hurt.process.end(signal as NodeJS.Signals)
      await sleep(forMs as number, undefined, { signal: aborted }).catch(() => {})
      await hurt.revive()
    },
  }
}
