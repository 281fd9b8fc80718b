import type { DurabilitySetting } from '../doctor/checks/durability.ts'
import type { Engine } from '../doctor/engine.ts'
import type { Distribution } from './distribution.ts'

/** What a measurement came to, with what makes the numbers what they are. */
export interface BenchResult {
  readonly database: string
  readonly engine: Engine
  /** Of a statement that does nothing; milliseconds, median. */
  readonly roundTripMs: number
  /** Whether and how a commit waits for the disk. */
  readonly durability: readonly DurabilitySetting[]
  /** Of each part. */
  readonly seconds: number
  /** One caller, acquire and release. */
  readonly oneCaller: Distribution
  /** Many callers of one process, each with a key of its own. */
  readonly manyCallers: Distribution & { readonly callers: number }
  /** From the beginning of a release to the grant of a waiter in another process. */
  readonly handOver: Distribution
}
