import { setTimeout as sleep } from 'node:timers/promises'

/** Waits, unless it is ended early. */
export async function pause(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {})
}
