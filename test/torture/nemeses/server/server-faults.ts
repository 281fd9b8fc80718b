import type { TortureDatabase } from '../../databases/torture-database.ts'
import type { FaultKind } from '../../fault.ts'
import { cancelStatements } from './cancel-statements.ts'
import { defaultIsolation } from './default-isolation.ts'
import { dump } from './dump.ts'
import { fillConnectionLimit } from './fill-connection-limit.ts'
import { impatientServer } from './impatient-server.ts'
import { killSessions } from './kill-sessions.ts'
import { maintenance } from './maintenance.ts'
import { pruning } from './pruning.ts'
import { readOnly } from './read-only.ts'
import { sqliteFaults } from './sqlite-faults.ts'
import { strangersTransaction } from './strangers-transaction.ts'
import { timeZoneChange } from './time-zone-change.ts'

/** The trouble that any database of this family can have. */
export function serverFaults(family: TortureDatabase['family']): readonly FaultKind[] {
  if (family === 'sqlite') return sqliteFaults
  return [
    killSessions,
    cancelStatements,
    fillConnectionLimit,
    defaultIsolation,
    impatientServer(family),
    ...(family === 'postgres' ? [readOnly] : []),
    timeZoneChange,
    strangersTransaction(family),
    maintenance(family),
    dump(family),
    pruning(family),
  ]
}
