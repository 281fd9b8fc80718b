import { reasonOf } from '../output/reason-of.ts'
import { bloat } from './checks/bloat.ts'
import { blockers } from './checks/blockers.ts'
import type { Check } from './checks/check.ts'
import { clock } from './checks/clock.ts'
import { cluster } from './checks/cluster.ts'
import { connections } from './checks/connections.ts'
import { durability } from './checks/durability.ts'
import { endlessLeases } from './checks/endless-leases.ts'
import { expiredLeases } from './checks/expired-leases.ts'
import { file } from './checks/file.ts'
import { freeRows } from './checks/free-rows.ts'
import { isolation } from './checks/isolation.ts'
import { listen } from './checks/listen.ts'
import { pooler } from './checks/pooler.ts'
import { readOnly } from './checks/read-only.ts'
import { rights } from './checks/rights.ts'
import { server } from './checks/server.ts'
import { settings } from './checks/settings.ts'
import { table } from './checks/table.ts'
import { type Finding, type Remark, unchecked } from './finding.ts'
import type { Patient } from './patient.ts'
import { NO_ROWS } from './survey.ts'

/** Everything that is looked at, in the order in which it is told: what makes the rest pointless comes first. */
export const CHECKS: readonly Check[] = [
  ...[server, readOnly, cluster, durability, settings, file],
  ...[table, rights],
  ...[isolation, pooler, listen, clock, connections],
  ...[blockers, bloat, freeRows, endlessLeases, expiredLeases],
]

/** Those that say nothing where there is no table, or where this user may not look at it: `table` and `rights` have said so. */
const NEED_TABLE: ReadonlySet<Check> = new Set([rights, blockers, bloat, freeRows, endlessLeases, expiredLeases])

/** Longer than the server may work on a question, and than a pooler takes to be found out. */
const CHECK_MS = 15_000

/** Looks at everything at once. A check that fails ends no other: it was not checked, for that reason. */
export async function examine(patient: Patient): Promise<Finding[]> {
  const ofTable = await findingsOf(table, patient)
  const hasTable = !ofTable.some(({ what }) => what.startsWith('there is no table'))
  const checks = CHECKS.filter((check) => check !== table && (hasTable || !NEED_TABLE.has(check)))
  const examined = hasTable ? patient : { ...patient, survey: async () => NO_ROWS }
  const others = await Promise.all(checks.map((check) => findingsOf(check, examined)))
  const found = new Map([[table, ofTable], ...checks.map((check, index) => [check, others[index] ?? []] as const)])
  return CHECKS.flatMap((check) => found.get(check) ?? [])
}

async function findingsOf(check: Check, patient: Patient): Promise<Finding[]> {
  const remarks = await inTime(check.run(patient)).catch((error): Remark[] => [unchecked(reasonOf(error))])
  return remarks.map((remark) => ({ check: check.name, ...remark }))
}

async function inTime(work: Promise<Remark[]>): Promise<Remark[]> {
  const { promise: late, resolve } = Promise.withResolvers<Remark[]>()
  const timer = setTimeout(() => resolve([unchecked(`no answer within ${CHECK_MS / 1000} s`)]), CHECK_MS)
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
