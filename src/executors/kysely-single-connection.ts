import type { Kysely } from 'kysely'
import { errors } from '../errors.ts'
import type { Answer } from '../statement.ts'
import type { SqlExecutor } from './executor.ts'
import { kyselyExecutor } from './kysely.ts'

/** Far longer than a transaction should have the only connection of an app. */
const PATIENCE_MS = 1_000

/**
 * Sends through a Kysely instance that has one connection, behind a queue. A call from within its own transaction would wait
 * for that transaction, which waits for the call, for ever. Who has the connection cannot be told from outside; but nobody
 * who means well has it for long.
 *
 * @throws LockError `E_SINGLE_CONNECTION` when somebody has the connection for longer than that
 */
// biome-ignore lint/suspicious/noExplicitAny: whatever tables the caller's database has
export function singleConnectionExecutor(connection: Kysely<any>): SqlExecutor {
  const plain = connection.withoutPlugins()
  return {
    execute(wording, values) {
      return new Promise<Answer>((resolve, reject) => {
        let isLate = false
        const timer = setTimeout(() => {
          isLate = true
          reject(singleConnectionError())
        }, PATIENCE_MS)
        const sent = plain.connection().execute(async (only) => {
          clearTimeout(timer)
          // Its caller has gone: nothing may be taken now.
          if (!isLate) resolve(await kyselyExecutor(only).execute(wording, values))
        })
        sent.catch(reject)
      })
    },
  }
}

function singleConnectionError(): Error {
  return new errors.E_SINGLE_CONNECTION(
    `the only connection of this Kysely instance was in a transaction for ${PATIENCE_MS} ms; inside that transaction, use \`verrou.within(trx)\`; ` +
      'elsewhere, give the locks a connection of their own to the same database',
  )
}
