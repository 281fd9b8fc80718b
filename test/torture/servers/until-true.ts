import { setTimeout as sleep } from 'node:timers/promises'

const PAUSE_MS = 50

/** Asks again until the answer is yes. An error counts as no: who is asked may be on the way up. */
export async function untilTrue(what: string, patienceMs: number, isTrue: () => Promise<boolean>): Promise<void> {
  let reason: unknown
  for (const deadline = Date.now() + patienceMs; Date.now() < deadline; await sleep(PAUSE_MS)) {
    try {
      if (await isTrue()) return
    } catch (error) {
      reason = error
    }
  }
  throw new Error(`not within ${patienceMs / 1_000} s: ${what}`, { cause: reason })
}
