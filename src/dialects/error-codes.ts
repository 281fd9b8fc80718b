import type { ErrorMeaning } from './dialect.ts'

/** Codes of Node.js for a connection that never came about: nothing was sent. */
const NEVER_CONNECTED = new Set([
  'ECONNREFUSED',
  'ENOTFOUND',
  'EAI_AGAIN',
  'EHOSTUNREACH',
  'ENETUNREACH',
  'EACCES',
  'ENOENT',
])

/** Codes of Node.js for a connection that failed. */
const CONNECTION_FAILED = new Set([
  'ECONNRESET',
  'EPIPE',
  'ETIMEDOUT',
  'ECONNABORTED',
  'ENOTCONN',
  'ERR_STREAM_DESTROYED',
])

/** What Node.js's own error codes mean for a statement. */
export function meaningOfSystemCode(code: unknown): ErrorMeaning | undefined {
  if (typeof code !== 'string') return undefined
  if (NEVER_CONNECTED.has(code)) return 'unreachable'
  return CONNECTION_FAILED.has(code) ? 'unanswered' : undefined
}

/**
 * What the driver itself said. Query builders put the statement in front of it, with its values, which are no part of any
 * message of ours: among them is the owner's secret.
 */
export function driverText(message: unknown): string {
  return String(message).split(' - ').at(-1) as string
}

/** The error and its causes, outermost first: query builders wrap what the driver threw. */
export function* chainOf(error: unknown): Generator<Record<string, unknown>> {
  const seen = new Set<unknown>()
  for (let one = error; typeof one === 'object' && one !== null && !seen.has(one); one = (one as Error).cause) {
    seen.add(one)
    yield one as unknown as Record<string, unknown>
  }
}
