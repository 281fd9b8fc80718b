import { p1OneCaller } from './p1-one-caller.ts'
import { p2DistinctKeys } from './p2-distinct-keys.ts'
import { p3RefusedTry } from './p3-refused-try.ts'
import { p4HandOver } from './p4-hand-over.ts'
import { p5ManyWaiters } from './p5-many-waiters.ts'
import { p6ManyRows } from './p6-many-rows.ts'
import { p7MysqlFamily } from './p7-mysql-family.ts'
import { p8Sqlite } from './p8-sqlite.ts'
import { p9SessionLocks } from './p9-session-locks.ts'
import { p10Presence } from './p10-presence.ts'
import type { Scenario } from './scenario.ts'

/** In the order in which they run. */
export const SCENARIOS: readonly Scenario[] = [
  ...[p1OneCaller, p2DistinctKeys, p3RefusedTry, p4HandOver, p5ManyWaiters],
  ...[p6ManyRows, p7MysqlFamily, p8Sqlite, p9SessionLocks, p10Presence],
]
