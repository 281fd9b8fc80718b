import { atDatabase, clockOffsetOf } from './admin-database.ts'
import type { TortureDatabase } from './databases/torture-database.ts'
import type { CommittedWrite, Evidence, InjectedFault, Span, TrailEntry } from './evidence.ts'
import { readHistories, sharedTime } from './history.ts'
import { TortureTables } from './torture-tables.ts'
import type { Send } from './work/work-kind.ts'

interface Gathered {
  readonly database: TortureDatabase
  readonly tableName: string
  readonly folder: string
  readonly faults: readonly InjectedFault[]
  readonly calms: readonly Span[]
  readonly leftovers: readonly string[]
  readonly unfinished: readonly string[]
  readonly isOver: boolean
  readonly hasTurned: boolean
}

/** Reads what the database has first, and the histories after it: whatever it has was announced in a history before. */
export async function gatherEvidence(gathered: Gathered): Promise<Evidence> {
  const { database, tableName, folder, faults, calms, leftovers, unfinished, isOver, hasTurned } = gathered
  const tables = new TortureTables(database.family, tableName)
  const stored = await atDatabase(database, tableName, async (send) => ({
    clockOffsetUs: await clockOffsetOf(send, sharedTime, tables),
    trail: await readTrail(send, tables, database.name),
    writes: (await send(tables.readWrites())).rows.map(asWrite),
    counters: new Map((await send(tables.readCounters())).rows.map(({ name, value }) => [String(name), Number(value)])),
  }))
  const mayLoseGrants = database.maySuffer === 'lost grants' && hasTurned
  const { family } = database
  return {
    ...stored,
    family,
    faults,
    calms,
    leftovers,
    unfinished,
    isOver,
    mayLoseGrants,
    history: readHistories(folder),
  }
}

/** In the order in which a key's row was changed: a number drawn under the row's lock, or, of several writing nodes, the time. */
async function readTrail(send: Send, tables: TortureTables, name: string): Promise<Map<string, TrailEntry[]>> {
  const { rows } = await send(tables.readTrail())
  const order = name === 'galera' ? byTime : byNumber
  const trail = new Map<string, TrailEntry[]>()
  for (const row of rows.toSorted(order)) {
    const entry = asEntry(row)
    const entries = trail.get(entry.key)
    if (entries) entries.push(entry)
    else trail.set(entry.key, [entry])
  }
  return trail
}

type Row = Readonly<Record<string, unknown>>

function byNumber(one: Row, other: Row): number {
  return Number(one.id) - Number(other.id)
}

function byTime(one: Row, other: Row): number {
  return Number(one.at_us) - Number(other.at_us) || byNumber(one, other)
}

function asEntry(row: Row): TrailEntry {
  return {
    key: String(row.lock_key),
    oldOwner: textOf(row.old_owner),
    oldToken: numberOf(row.old_token),
    oldExpiresUs: numberOf(row.old_expires),
    owner: textOf(row.owner),
    token: numberOf(row.token),
    expiresUs: numberOf(row.expires),
    atUs: Number(row.at_us),
  }
}

function asWrite(row: Row): CommittedWrite {
  return {
    op: String(row.op),
    counter: String(row.counter),
    value: Number(row.value),
    token: Number(row.token),
    tool: String(row.tool),
    atUs: Number(row.at_us),
  }
}

function textOf(value: unknown): string | null {
  return value === null ? null : String(value)
}

function numberOf(value: unknown): number | null {
  return value === null ? null : Number(value)
}
