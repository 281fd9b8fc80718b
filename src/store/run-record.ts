import { numberOf } from '../dialects/numbers.ts'
import type { Answer } from '../statement.ts'
import type { RunRecord } from './lock-store.ts'

/** What a look for the last run brought back; `null`: none is known. */
export function runRecordOf({ rows: [row] }: Answer): RunRecord | null {
  if (!row) return null
  return {
    token: numberOf(row.run_token),
    startedAtUs: numberOf(row.run_started_at),
    endedAtUs: numberOf(row.run_ended_at),
    heldBy: row.run_by === null ? null : String(row.run_by),
    hasFailed: Number(row.run_failed) === 1,
  }
}
