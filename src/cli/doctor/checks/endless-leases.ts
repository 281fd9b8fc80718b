import { note, ok } from '../finding.ts'
import { countText } from '../survey.ts'
import type { Check } from './check.ts'

/** Leases with a TTL of `null`: nobody but their holder, or somebody by force, ever frees them. */
export const endlessLeases: Check = {
  name: 'endless-leases',
  async run(patient) {
    const { rows, endless } = await patient.survey()
    if (endless === 0) return [ok('no lease is held for ever')]
    return [
      note(
        `${countText(endless, rows)} held for ever (a TTL of null)`,
        'if the process of one of them has died without releasing it, its key is never free again',
        'npx verrou ls, and npx verrou release <key> --force for those whose holders are gone; a TTL with `keepAlive` needs none of that',
      ),
    ]
  },
}
