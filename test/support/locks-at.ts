import { connect } from '../../src/cli/connect.ts'
import type { LockFactory } from '../../src/index.ts'

/** Locks of the database that a command is tried on, for the test itself. */
export async function locksAt(url: string): Promise<{ locks: LockFactory; close(): Promise<void> }> {
  const connection = await connect({ url })
  return { locks: connection.openLocks(), close: connection.close }
}
