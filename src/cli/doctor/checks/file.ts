import { statfsSync } from 'node:fs'
import { note, ok, problem, type Remark, warning } from '../finding.ts'
import { networkFileSystem } from '../network-file-system.ts'
import { numberIn, type Patient, textIn } from '../patient.ts'
import { sqliteDoctorStatements } from '../sqlite-doctor-statements.ts'
import type { Check } from './check.ts'

/** How the file of SQLite is opened, and where it is. */
export const file: Check = {
  name: 'file',
  async run(patient) {
    if (patient.dialect !== 'sqlite') return []
    const [row] = await patient.ask(sqliteDoctorStatements.file(patient.table))
    const path = textIn(row, 'file')
    if (path === '') return [inMemory()]
    return [await journal(patient), ...(await busyTimeout(patient)), ...place(path)]
  },
}

function inMemory(): Remark {
  return note(
    'the database is in memory',
    'its locks are seen by this process alone, and gone with it',
    'where several processes share locks, give it a file',
  )
}

async function journal({ ask }: Patient): Promise<Remark> {
  const [row] = await ask(sqliteDoctorStatements.pragma('journal_mode'))
  const mode = textIn(row, 'journal_mode')
  if (mode === 'wal') return ok('a write-ahead log (WAL)')
  return warning(
    `the journal mode is ${mode}`,
    'whoever writes keeps out those who read, and every release waits for the disk',
    'once, on the file: pragma journal_mode = wal',
  )
}

/** `better-sqlite3` blocks the event loop for as long as it waits, and with it renewals of other locks. */
const LONG_BUSY_MS = 10_000

async function busyTimeout({ ask }: Patient): Promise<Remark[]> {
  const [row] = await ask(sqliteDoctorStatements.pragma('busy_timeout'))
  const timeoutMs = numberIn(row, 'timeout')
  if (timeoutMs <= LONG_BUSY_MS) return []
  return [
    warning(
      `the busy timeout is ${timeoutMs} ms`,
      'a process stands still for that long when another one writes, and its leases can run out meanwhile',
      'open the file with a short `timeout`, or 0: the store waits by itself, without blocking',
    ),
  ]
}

function place(path: string): Remark[] {
  const name = networkFileSystem(statfsSync(path).type)
  if (name === undefined) return []
  return [
    problem(
      `the file is on a network file system (${name})`,
      'its locks of files are not reliable, and a write-ahead log needs memory that all processes share: two processes may both be granted a lock, and the file can break',
      'put the file on a local disk, or use a server: https://sqlite.org/faq.html#q5',
    ),
  ]
}
