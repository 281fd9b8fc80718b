import type { Statement } from '../statement.ts'

/** A statement that counts renewals, with the same for a table of an earlier version, which has no columns for them. */
export function counted(worded: (suffix: '' | '-uncounted', counts: boolean) => Statement): Statement {
  return Object.freeze({ ...worded('', true), uncounted: worded('-uncounted', false) })
}
