import { randomId } from '../random-id.ts'

/** Ids that nobody else has: random bits that are drawn once, and a number. Drawing them each time takes longer than the rest of a try in the process. */
export function numberedIds(): () => string {
  const drawn = randomId()
  let last = 0
  return () => `${drawn}.${++last}`
}
