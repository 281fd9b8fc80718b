import { randomBytes } from 'node:crypto'

/** A table of its own for every test file: files run side by side on the same servers. */
export function uniqueTableName(purpose: string): string {
  return `t_${purpose}_${randomBytes(4).toString('hex')}`
}
