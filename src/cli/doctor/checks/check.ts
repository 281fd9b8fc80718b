import type { Remark } from '../finding.ts'
import type { Patient } from '../patient.ts'

/** One thing that the doctor looks at. */
export interface Check {
  /** Short, and for ever: an anchor in the runbook, and what `--json` calls it. */
  readonly name: string
  /** Looks. Nothing to say: it does not apply to this database. What it throws ends this check alone. */
  run(patient: Patient): Promise<Remark[]>
}
