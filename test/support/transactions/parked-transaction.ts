/** A transaction of a library that wants a callback, kept open until somebody says how it ends. */
export interface ParkedTransaction<Transaction> {
  readonly transaction: Transaction
  commit(): Promise<void>
  rollback(): Promise<void>
}

class WantedRollback extends Error {}

/**
 * Begins a transaction through `run`, which calls back with it, and keeps the callback waiting.
 *
 * @param run such as `(callback) => db.transaction(callback)`: commits when the callback's promise is fulfilled, and
 * rolls back when it rejects
 */
export function parkTransaction<Transaction>(
  run: (callback: (transaction: Transaction) => Promise<void>) => Promise<unknown>,
): Promise<ParkedTransaction<Transaction>> {
  return new Promise((begun, failed) => {
    const ended = run((transaction) => {
      return new Promise<void>((resolve, reject) => {
        begun({
          transaction,
          async commit() {
            resolve()
            await ended
          },
          async rollback() {
            reject(new WantedRollback())
            await ended.catch((error: unknown) => {
              if (!(error instanceof WantedRollback)) throw error
            })
          },
        })
      })
    })
    // Before it has begun: it could not begin.
    ended.catch(failed)
  })
}
