import { randomBytes } from 'node:crypto'

/** 128 random bits, 22 characters that are safe in URLs and in every column. Nobody can guess one. */
export function randomId(): string {
  return randomBytes(16).toString('base64url')
}
