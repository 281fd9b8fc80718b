import type { Check } from '../evidence.ts'

/** G16. Afterwards nothing is held, locked or connected. */
export const leftovers: Check = {
  name: 'leftovers',
  meaning: 'after the end there were rows that are held, sessions, row locks or advisory locks (G16)',
  find: ({ leftovers }) => [...leftovers],
}
