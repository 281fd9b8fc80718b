import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { atDatabase, clockOffsetOf } from './admin-database.ts'
import type { TortureDatabase } from './databases/torture-database.ts'
import type { CommittedWrite, Evidence, InjectedFault, Span, TrailEntry } from './evidence.ts'
import { readHistories, sharedTime } from './history.ts'
import type { LockSampler } from './lock-sampler.ts'
import type { RowSampler } from './row-sampler.ts'
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
  readonly loss: Span | undefined
  /** Where no trigger can write the trail. */
  readonly sampler: RowSampler | undefined
  /** Where there are locks of sessions. */
  readonly lockSampler: LockSampler | undefined
}

/** Reads what the database has first, and the histories after it: whatever it has was announced in a history before. */
export async function gatherEvidence(gathered: Gathered): Promise<Evidence> {
  const { database, tableName, folder, faults, calms, leftovers, unfinished, isOver, loss, sampler, lockSampler } =
    gathered
  const tables = new TortureTables(database.family, tableName)
  const stored = await atDatabase(database, tableName, async (send) => {
    const clockOffsetUs = await clockOffsetOf(send, sharedTime, tables)
    // In this order: a write's grant is in the trail that is read after it.
    const counters = new Map(
      (await send(tables.readCounters())).rows.map(({ name, value }) => [String(name), Number(value)]),
    )
    const writes = (await send(tables.readWrites())).rows.map(asWrite)
    const knownUntil = isOver ? Number.POSITIVE_INFINITY : sharedTime()
    const trail = sampler ? sampler.trail() : await readTrail(send, tables)
    return { clockOffsetUs, counters, writes, knownUntil, trail }
  })
  if (isOver) {
    await keepLines(folder, 'trail', [...stored.trail.values()].flat())
    await keepLines(folder, 'faults', faults)
  }
  return {
    ...stored,
    // Behind a pooler in transaction mode nothing is heard.
    isPolled: database.family === 'mysql' || database.name === 'pgbouncer-transaction',
    faults,
    calms,
    leftovers,
    unfinished,
    isOver,
    loss,
    looks: lockSampler?.looks() ?? [],
    trailKind: sampler ? 'sampled' : 'complete',
    history: readHistories(folder),
  }
}

/** Beside the histories, for whoever has to understand a violation. */
async function keepLines(folder: string, name: string, entries: readonly unknown[]): Promise<void> {
  await writeFile(join(folder, `${name}.json-lines`), entries.map((entry) => `${JSON.stringify(entry)}\n`).join(''))
}

/** In the order in which a key's row was changed: the number of each entry was drawn while the row was locked. */
async function readTrail(send: Send, tables: TortureTables): Promise<Map<string, TrailEntry[]>> {
  const { rows } = await send(tables.readTrail())
  const trail = new Map<string, TrailEntry[]>()
  for (const row of rows.toSorted((one, other) => Number(one.id) - Number(other.id))) {
    const entry = asEntry(row)
    const entries = trail.get(entry.key)
    if (entries) entries.push(entry)
    else trail.set(entry.key, [entry])
  }
  return trail
}

type Row = Readonly<Record<string, unknown>>

function asEntry(row: Row): TrailEntry {
  return {
    key: String(row.lock_key),
    oldOwner: textOf(row.old_owner),
    oldAttempt: textOf(row.old_attempt),
    oldToken: numberOf(row.old_token),
    oldExpiresUs: numberOf(row.old_expires),
    owner: textOf(row.owner),
    attempt: textOf(row.attempt),
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
