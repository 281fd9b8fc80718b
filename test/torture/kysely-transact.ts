import { CompiledQuery, type Kysely } from 'kysely'
import type { Send } from './work/work-kind.ts'
import type { WorkerDatabase } from './worker-database.ts'

/** Sends text through Kysely. */
// biome-ignore lint/suspicious/noExplicitAny: any database
export function kyselySend(db: Kysely<any>): Send {
  return async (sql) => {
    const { rows, numAffectedRows } = await db.executeQuery<Record<string, unknown>>(CompiledQuery.raw(sql))
    return { rows, changed: Number(numAffectedRows ?? 0) }
  }
}

/** A transaction as users of Kysely write it. */
// biome-ignore lint/suspicious/noExplicitAny: any database
export function kyselyTransact(db: Kysely<any>): WorkerDatabase['transact'] {
  return (work, beforeCommit) =>
    db.transaction().execute(async (trx) => {
      await work({ transaction: trx, send: kyselySend(trx) })
      beforeCommit()
    })
}
