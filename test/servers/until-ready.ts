import { setTimeout as sleep } from 'node:timers/promises'
import type { GuardedServer } from './guarded-process.ts'
import { serverVersion } from './server-version.ts'

const START_TIMEOUT_MS = 60_000
const PAUSE_MS = 50

/** Asks until the server answers; gives up when its process has ended or a minute has passed. Returns the version. */
export async function untilReady(url: string, server?: Pick<GuardedServer, 'hasEnded' | 'output'>): Promise<string> {
  const deadline = Date.now() + START_TIMEOUT_MS

  for (;;) {
    try {
      return await serverVersion(url)
    } catch (error) {
      if (server?.hasEnded()) throw new Error(`the server ended while starting: ${server.output()}`)
      if (Date.now() > deadline) throw new Error(`no answer within ${START_TIMEOUT_MS / 1000} s`, { cause: error })
    }
    await sleep(PAUSE_MS)
  }
}
