import type { FaultKind } from '../../fault.ts'
import { overAndOver } from './over-and-over.ts'
import { drawVictims, victimsOf } from './victims.ts'
import { endSessions, workerSessions } from './worker-sessions.ts'

/** Statements are cancelled and their sessions live on: by an operator, by a pooler's `query_timeout`. */
export const cancelStatements: FaultKind = {
  name: 'cancel statements',
  lane: 'server',
  weight: 8,
  draw: (random) => ({ ...drawVictims(random), forMs: random.integer(300, 2_000) }),
  // Over and over, since most sessions are idle at any one moment.
  inject: (details, scene, signal) =>
    overAndOver(scene, signal, { forMs: Number(details.forMs), pauseMs: 10 }, async (admin) => {
      const victims = victimsOf(details, await workerSessions(admin, scene))
      await endSessions(admin, scene, victims, 'statement')
    }),
}
