import { type Remark, warning } from '../finding.ts'
import { type Row, textIn } from '../patient.ts'

/** What others put on the table: what it does to locks, and what to do. */
const MEANING: Readonly<Record<string, readonly [why: string, todo: string]>> = {
  index: [
    'every grant and release has to change it, too: on Postgres no update stays on its page (HOT), and the table bloats',
    'drop it: rows are found by the key alone',
  ],
  trigger: [
    'it runs in every grant, renewal and release; where it fails or waits, so do they',
    'drop it; `held_by` and the events of the library tell who has what',
  ],
  constraint: ['a value that it refuses fails a lock, and its error may repeat the owner’s secret', 'drop it'],
  rule: ['it rewrites the statements, so that their answers mean something else', 'drop it'],
  partition: ['every statement looks for its partition first; nothing is gained', 'make it one table'],
}

/** @param rows `kind`, `name` and `definition` of each */
export function additionRemarks(rows: readonly Row[]): Remark[] {
  const kinds = [...new Set(rows.map((row) => textIn(row, 'kind')))]
  return kinds.map((kind) => {
    const names = rows.filter((row) => textIn(row, 'kind') === kind).map((row) => `\`${textIn(row, 'name')}\``)
    const [why, todo] = MEANING[kind] as readonly [string, string]
    const those = names.length === 1 ? `${article(kind)} ${kind} that is` : `${PLURALS[kind] ?? `${kind}s`} that are`
    return warning(`it has ${those} not ours: ${names.join(', ')}`, why, todo)
  })
}

const PLURALS: Readonly<Record<string, string>> = { index: 'indexes' }

function article(noun: string): string {
  return /^[aeiou]/.test(noun) ? 'an' : 'a'
}
