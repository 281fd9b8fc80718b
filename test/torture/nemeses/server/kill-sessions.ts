import type { FaultKind } from '../../fault.ts'
import { openAdmin } from './server-scene.ts'
import { drawVictims, victimsOf } from './victims.ts'
import { endSessions, workerSessions } from './worker-sessions.ts'

/** Somebody ends sessions at the server: an operator, a tool that looks for idle ones, a failover of the proxy before it. */
export const killSessions: FaultKind = {
  name: 'kill sessions',
  lane: 'server',
  weight: 15,
  draw: drawVictims,
  async inject(details, scene) {
    const admin = await openAdmin(scene)
    try {
      const victims = victimsOf(details, await workerSessions(admin, scene))
      if (victims.length === 0) throw new Error('not injected: the workers have no session')
      await endSessions(admin, scene, victims)
    } finally {
      admin.close()
    }
  },
}
