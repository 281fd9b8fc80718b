import { statSync } from 'node:fs'
import { reasonOf } from '../../output/reason-of.ts'
import { ok, type Remark, unchecked, warning } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { isOn, numberIn, type Patient, type Row, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import { sqliteDoctorStatements } from '../sqlite-doctor-statements.ts'
import type { Check } from './check.ts'

/** Below that, nobody would notice. */
const MENTIONED_BYTES = 8 * 2 ** 20
/** A row has some 300 bytes, half of a page is free on purpose. */
const MOST_BYTES_PER_ROW = 4096
const MANY_DEAD = 10_000
const MANY_UPDATES = 1_000
const LEAST_HOT_SHARE = 0.9
const LONG_SNAPSHOT_S = 3_600
const LONG_HISTORY = 1_000_000
const LARGE_LOG_BYTES = 64 * 2 ** 20

/** Whether the table has grown beyond its rows, and what removes dead ones. */
export const bloat: Check = {
  name: 'bloat',
  async run(patient) {
    const { remarks, text } = await BLOAT[patient.dialect](patient)
    return remarks.length === 0 ? [ok(text)] : remarks
  },
}

interface Bloat {
  readonly remarks: Remark[]
  /** When there is nothing to say. */
  readonly text: string
}

const BLOAT: Readonly<Record<Patient['dialect'], (patient: Patient) => Promise<Bloat>>> = {
  async postgres({ ask, table, survey }) {
    const [row] = await ask(postgresDoctorStatements.bloat(table))
    const [found] = await ask(postgresDoctorStatements.table(table))
    const [oldest] = await ask(postgresDoctorStatements.oldestSnapshot())
    const live = Math.max(numberIn(row, 'live') || 0, (await survey()).rows)
    const remarks = [
      ...vacuum(row, textIn(found, 'options')),
      ...dead(row, live),
      ...hot(row),
      ...size(row, live),
      ...snapshot(oldest),
    ]
    return { remarks, text: `${megabytes(numberIn(row, 'size_bytes'))}, ${numberIn(row, 'dead') || 0} dead rows` }
  },

  async mysql({ ask, table, engine }) {
    const [row] = await ask(mysqlDoctorStatements.bloat(table))
    const [sizeBytes, freeBytes] = [numberIn(row, 'size_bytes'), numberIn(row, 'free_bytes')]
    const remarks = engine.name === 'MySQL' || engine.name === 'MariaDB' ? await history(ask) : []
    if (freeBytes > MENTIONED_BYTES && freeBytes > 2 * sizeBytes) {
      const what = `${megabytes(freeBytes)} of its file are empty, beside ${megabytes(sizeBytes)} in use`
      remarks.push(warning(what, 'reading all of it takes longer; nothing else', `optimize table ${table.tableName}`))
    }
    return { remarks, text: megabytes(sizeBytes) }
  },

  async sqlite({ ask, table }) {
    const [row] = await ask(sqliteDoctorStatements.file(table))
    const path = textIn(row, 'file')
    const logBytes = path === '' ? 0 : (statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0)
    if (logBytes < LARGE_LOG_BYTES) return { remarks: [], text: `the write-ahead log has ${megabytes(logBytes)}` }
    const why =
      'a reader that never ends its transaction keeps it from being emptied, and every read has to look through it'
    const todo = 'find the process that reads for so long; then: pragma wal_checkpoint(truncate)'
    return { remarks: [warning(`the write-ahead log has ${megabytes(logBytes)}`, why, todo)], text: '' }
  },
}

function vacuum(row: Row | undefined, options: string): Remark[] {
  const isOffHere = /autovacuum_enabled=(false|off|0|no)/.test(options)
  if (!isOffHere && isOn(row, 'autovacuum') && isOn(row, 'track_counts')) return []
  return [
    warning(
      isOffHere ? 'autovacuum is off for this table' : 'autovacuum is off for the whole server',
      'updates leave dead rows; what is not removed on the fly stays, and in the end the server stops before its transaction ids run out',
      isOffHere ? 'alter table … reset (autovacuum_enabled)' : 'set autovacuum and track_counts to on',
    ),
  ]
}

function dead(row: Row | undefined, live: number): Remark[] {
  const count = numberIn(row, 'dead')
  if (!(count >= MANY_DEAD && count > live)) return []
  const last = textIn(row, 'last_vacuum')
  return [
    warning(
      `${count.toLocaleString('en')} dead rows beside ${live.toLocaleString('en')} live ones; last vacuumed ${last === '' ? 'never' : last}`,
      'every look at a key has to pass its dead versions',
      'vacuum the table, and look for a transaction that is open for long, or autovacuum that does not keep up',
    ),
  ]
}

function hot(row: Row | undefined): Remark[] {
  const [updates, hotUpdates] = [numberIn(row, 'updates'), numberIn(row, 'hot_updates')]
  const share = hotUpdates / updates
  if (!(updates >= MANY_UPDATES && share < LEAST_HOT_SHARE)) return []
  return [
    warning(
      `only ${Math.floor(share * 100)} % of its updates stayed on their page (HOT)`,
      'the others add to the index, and leave work to vacuum: the table grows',
      'look at the findings of `table`: another index, or another fillfactor; and for transactions that are open for long',
    ),
  ]
}

function size(row: Row | undefined, live: number): Remark[] {
  const bytes = numberIn(row, 'size_bytes')
  if (!(bytes > MENTIONED_BYTES && bytes / Math.max(1, live) > MOST_BYTES_PER_ROW)) return []
  return [
    warning(
      `${megabytes(bytes)} for ${live.toLocaleString('en')} rows`,
      'it has grown when dead rows were not removed, or when it had many more keys; sweeping reads all of it',
      'vacuum full (locks the table for a moment), or pg_repack',
    ),
  ]
}

function snapshot(row: Row | undefined): Remark[] {
  const openS = numberIn(row, 'open_s')
  if (!(openS >= LONG_SNAPSHOT_S)) return []
  const who = `session ${textIn(row, 'pid')} of ${textIn(row, 'user_name')} (${textIn(row, 'state')})`
  return [
    warning(
      `a transaction is open for ${Math.round(openS / 60)} min: ${who}`,
      'no row that has died since can be removed, in any table',
      'end it: select pg_terminate_backend(pid)',
    ),
  ]
}

async function history(ask: Patient['ask']): Promise<Remark[]> {
  try {
    const [row] = await ask(mysqlDoctorStatements.history())
    const length = numberIn(row, 'length')
    if (!(length > LONG_HISTORY)) return []
    const what = `the history list has ${length.toLocaleString('en')} changes`
    return [
      warning(
        what,
        'a transaction is open for long, and every look at a row has to pass its old versions',
        'find it in information_schema.innodb_trx, and end it',
      ),
    ]
  } catch (error) {
    return [unchecked(reasonOf(error), 'grant process on *.* to the user who runs the doctor')]
  }
}

function megabytes(bytes: number): string {
  return `${(bytes / 2 ** 20).toFixed(1)} MB`
}
