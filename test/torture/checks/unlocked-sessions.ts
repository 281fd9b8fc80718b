import { type Check, type Evidence, type LockLook, when } from '../evidence.ts'
import { wasHindered } from '../hindered.ts'
import { type SessionHold, sessionHoldsOf } from '../session-holds.ts'

/** What a process may take to hear of the end of its session, if nothing hinders it. */
const HEARD_WITHIN_US = 1_000_000

/** Who holds a session lock has it at the server, by one and the same session, until the session ends. */
export const unlockedSessions: Check = {
  name: 'session locks that the server does not know',
  meaning:
    'a session lock was held whose session did not have it at the server: for longer than the news of its end takes, or at any time before a release that was confirmed (G1)',
  find(evidence) {
    return sessionHoldsOf(evidence).flatMap((hold) => {
      const wrong = wrongWith(evidence, hold)
      return wrong ? [`${hold.key}: ${hold.op} (from ${when(evidence, hold.from)}) ${wrong}`] : []
    })
  },
}

function wrongWith(evidence: Evidence, hold: SessionHold): string | undefined {
  let session: string | undefined
  for (const look of looksWithin(evidence.looks, hold)) {
    const holder = look.holders.get(hold.key)
    session ??= holder
    if (holder !== undefined && holder === session) continue
    const believedFor = { from: look.until, until: hold.until }
    const isNewsOnItsWay = believedFor.until - believedFor.from <= HEARD_WITHIN_US
    if (!hold.isConfirmed && (isNewsOnItsWay || wasHindered(evidence, hold.process, believedFor))) return undefined
    const who = holder === undefined ? 'nobody' : `session ${holder}, and no longer ${session},`
    return `was held until ${when(evidence, hold.until)}; at ${when(evidence, look.until)} ${who} had it at the server`
  }
  return undefined
}

/** Looks from the first to the last moment of the hold. */
function* looksWithin(looks: readonly LockLook[], { from, until }: SessionHold): Generator<LockLook> {
  for (let index = firstAfter(looks, from); index < looks.length; index++) {
    const look = looks[index] as LockLook
    if (look.until >= until) return
    yield look
  }
}

/** The place of the first look that began after that time. */
function firstAfter(looks: readonly LockLook[], t: number): number {
  let [low, high] = [0, looks.length]
  while (low < high) {
    const middle = (low + high) >> 1
    if ((looks[middle] as LockLook).from > t) high = middle
    else low = middle + 1
  }
  return low
}
