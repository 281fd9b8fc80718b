import { note, ok, warning } from '../finding.ts'
import { countText } from '../survey.ts'
import type { Check } from './check.ts'

/** So many in the table at once are no accident. */
const MANY = 100

/** Leases that ended by themselves, and whose keys nobody has taken since. */
export const expiredLeases: Check = {
  name: 'expired-leases',
  async run(patient) {
    const { rows, expired } = await patient.survey()
    if (expired === 0) return [ok('every lease was released by its holder')]
    const what = `${countText(expired, rows)} ended by ${expired === 1 ? 'itself' : 'themselves'}, never released`
    const why = 'the holder crashed, or worked for longer than its TTL and was no longer protected'
    if (expired < MANY) return [note(what, why, 'if no process has crashed, choose a longer TTL, or `keepAlive: true`')]
    return [warning(what, why, 'look for holders (held_by) that crash, or choose a longer TTL, or `keepAlive: true`')]
  },
}
