import { quoted } from './server-scene.ts'

/** How often tokens are set ahead: the statement looks at all rows. */
export const AHEAD_EVERY_MS = 100

/**
 * Sets the tokens of free rows ahead of the clock, as they are after the server's clock was set back. Only then does it matter that the
 * sweep spares a row whose token the clock has not reached: its key would begin again with a lower one.
 *
 * @returns a statement that changes no row which is held, and makes no token lower
 */
export function setTokensAhead(family: 'sqlite' | 'postgres' | 'mysql', tableName: string, aheadMs: number): string {
  const token = Math.round((Date.now() + aheadMs) * 1000)
  return `update ${quoted(family, tableName)} set token = ${token} where owner is null and token < ${token}`
}
