import type { IncomingMessage } from 'node:http'
import type { LockFactory } from '../../index.ts'

/** What became of a forced release, with the status of the answer. */
export interface ReleaseAnswer {
  readonly status: number
  readonly body: { readonly evicted: string | null } | { readonly error: string }
}

/** A key has at most 1,024 bytes; escaped in JSON, each may take six. */
const MOST_BODY_BYTES = 8_192

/**
 * Frees a key, if the hold is still the one that was on the screen when somebody said yes: another holder may have come since, who must not be hurt by mistake.
 */
export async function releaseLock(locks: LockFactory, request: IncomingMessage): Promise<ReleaseAnswer> {
  const wish = parseWish(await readBody(request))
  if (!wish) return { status: 400, body: { error: 'expected a key and the token of its hold' } }
  const found = await locks.inspect(wish.key)
  if (!found?.isHeld) return { status: 409, body: { error: 'nobody holds it any more' } }
  if (found.token !== wish.token) {
    return { status: 409, body: { error: `somebody else holds it by now: ${found.heldBy ?? 'unknown'}` } }
  }
  await locks.createLock(wish.key).forceRelease()
  return { status: 200, body: { evicted: found.heldBy } }
}

async function readBody(request: IncomingMessage): Promise<string | null> {
  if (request.headers['content-type'] !== 'application/json') return null
  const parts: Buffer[] = []
  let bytes = 0
  for await (const part of request as AsyncIterable<Buffer>) {
    bytes += part.length
    if (bytes > MOST_BODY_BYTES) return null
    parts.push(part)
  }
  return Buffer.concat(parts).toString('utf8')
}

function parseWish(body: string | null): { key: string; token: number } | null {
  try {
    const { key, token } = JSON.parse(body ?? '') as { key?: unknown; token?: unknown }
    return typeof key === 'string' && typeof token === 'number' ? { key, token } : null
  } catch {
    return null
  }
}
