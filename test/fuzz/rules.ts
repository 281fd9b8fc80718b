import ms from 'ms'

/** The rules of the documentation, in other words than those of the library. */

const encoder = new TextEncoder()
const decoder = new TextDecoder('utf-8', { ignoreBOM: true })

/** Whether it is text of 1 to `most` bytes that comes back from UTF-8 as it was, without NUL. */
export function isText(given: unknown, most: number): given is string {
  if (typeof given !== 'string' || given.length === 0 || given.length > most) return false
  const bytes = encoder.encode(given)
  return bytes.length <= most && !bytes.includes(0) && decoder.decode(bytes) === given
}

export function isKey(given: unknown): given is string {
  return isText(given, 1024)
}

export function isTtl(given: unknown): boolean {
  if (given === null || given === undefined) return true
  const length = lengthMs(given)
  return length !== undefined && Math.round(length * 1000) >= 1 && Math.round(length * 1000) <= 2 ** 53 - 1
}

/** Whether a lease of that length may be over before anybody hears of it. */
export function isShort(ttl: unknown): boolean {
  return (lengthMs(ttl) ?? Number.POSITIVE_INFINITY) < 1_000
}

function lengthMs(given: unknown): number | undefined {
  if (typeof given === 'number') return Number.isFinite(given) ? given : undefined
  if (typeof given !== 'string' || given.trim() === '' || given.length > 100) return undefined
  const read = ms(given as ms.StringValue)
  return Number.isFinite(read) ? read : undefined
}
