import { randomBytes, randomFillSync } from 'node:crypto'

const BYTES = 16
/** Asking the system takes as long for one as for all of them, and longer than the rest of making a lock. */
const DRAWN_TOGETHER = 128

/** 128 random bits, 22 characters that are safe in URLs and in every column. Nobody can guess one. */
export function randomId(): string {
  return randomBytes(BYTES).toString('base64url')
}

/** The same for many, as cheap as a number: bits are drawn for some in advance, and each is given once. */
export function randomIds(): () => string {
  const drawn = Buffer.alloc(BYTES * DRAWN_TOGETHER)
  let next = drawn.length
  return () => {
    if (next === drawn.length) {
      randomFillSync(drawn)
      next = 0
    }
    next += BYTES
    return drawn.toString('base64url', next - BYTES, next)
  }
}
