import { setTimeout as sleep } from 'node:timers/promises'
import type { LockFactory } from '../../src/index.ts'
import type { HistoryWriter } from './history.ts'
import { kyselySend } from './kysely-transact.ts'
import { Recorder } from './recorder.ts'
import { COUNTERS, TortureTables } from './torture-tables.ts'
import { ChangedItsMind, type Handoffs, type WorkKind, type WorkTools } from './work/work-kind.ts'
import type { WorkerDatabase } from './worker-database.ts'
import type { WorkerSettings } from './worker-settings.ts'

const HOT_KEYS = 3
const COLD_KEYS = 200

/** What a worker's pieces of work are done with. Chance here is the worker's own: only faults follow the seed. */
export class WorkTable {
  readonly #database: WorkerDatabase
  readonly #locks: LockFactory
  readonly #history: HistoryWriter
  readonly #tables: TortureTables
  readonly #isFile: boolean
  readonly #isPresent: boolean
  readonly #isPolled: boolean

  constructor(
    { family, tableName, presence }: WorkerSettings,
    database: WorkerDatabase,
    locks: LockFactory,
    history: HistoryWriter,
  ) {
    this.#database = database
    this.#locks = locks
    this.#history = history
    this.#isFile = family === 'sqlite'
    this.#isPresent = presence
    this.#isPolled = family === 'mysql'
    this.#tables = new TortureTables(family, tableName)
  }

  draw(kinds: readonly WorkKind[]): WorkKind {
    let left = Math.random() * kinds.reduce((sum, { weight }) => sum + weight, 0)
    for (const kind of kinds) {
      left -= kind.weight
      if (left < 0) return kind
    }
    throw new Error('there is no work')
  }

  toolsFor(op: string): WorkTools {
    const record = new Recorder(this.#history, op)
    const coldKey = () => `cold:${between(1, COLD_KEYS)}`
    return {
      op,
      locks: this.#locks,
      isPresent: this.#isPresent,
      isPolled: this.#isPolled,
      record,
      anyKey: () => (percent(60) ? `hot:${between(1, HOT_KEYS)}` : coldKey()),
      coldKey,
      counter: () => `counter:${between(1, COUNTERS)}`,
      between,
      percent,
      sleep,
      sleepWithin: (ms) => sleep(this.#isFile ? ms / 20 : ms),
      transact: (work) => this.#transact(record, work),
      increment: async ({ send }, counter, token, tool) => {
        const { rows } = await send(this.#tables.readCounter(counter))
        const value = Number(rows[0]?.value) + 1
        record.writes(counter, value)
        await send(this.#tables.writeCounter(counter, value))
        await send(this.#tables.noteWrite({ op, counter, value, token, tool }))
      },
      handoffs: this.#handoffsFor(op),
    }
  }

  async #transact(record: Recorder, work: Parameters<WorkTools['transact']>[0]): Promise<boolean> {
    try {
      await this.#database.transact(work, () => record.commits())
      record.committed()
      return true
    } catch (error) {
      record.rolledBack(error instanceof ChangedItsMind ? 'changed its mind' : error)
      return false
    }
  }

  #handoffsFor(op: string): Handoffs {
    const tables = this.#tables
    const send = kyselySend(this.#database.db)
    return {
      put: async (within, { token, serialized }) => void (await within.send(tables.putHandoff(op, token, serialized))),
      async take() {
        // Trouble with the database: then there is nothing to take now.
        try {
          const { rows } = await send(tables.findHandoff())
          const [found] = rows
          if (found === undefined) return undefined
          const { changed } = await send(tables.takeHandoff(String(found.op), op))
          return changed === 1 ? { token: Number(found.token), serialized: String(found.serialized) } : undefined
        } catch {
          return undefined
        }
      },
    }
  }
}

function between(least: number, most: number): number {
  return least + Math.floor(Math.random() * (most - least + 1))
}

function percent(chance: number): boolean {
  return Math.random() * 100 < chance
}
