import { ok, warning } from '../finding.ts'
import { countText } from '../survey.ts'
import type { Check } from './check.ts'

/** Sweeping leaves fewer than this behind, in a table of any size. */
const MANY = 10_000

/** Rows of keys that were free for longer than they are kept. */
export const freeRows: Check = {
  name: 'free-rows',
  async run(patient) {
    const { rows, old } = await patient.survey()
    const text = `${countText(rows, rows)} rows, ${countText(old, rows)} free for longer than they are kept`
    if (old < MANY) return [ok(text)]
    return [
      warning(
        text,
        'stores sweep while they grant locks: these are left from a time with many more keys, or from one whose sweeps were interrupted',
        'npx verrou prune',
      ),
    ]
  },
}
