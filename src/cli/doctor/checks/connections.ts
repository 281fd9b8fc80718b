import { ok, type Remark, warning } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { numberIn, type Patient, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import type { Check } from './check.ts'

/** The share from which new processes may soon find no room. */
const FULL = 0.9

/** Whether the server has room for more sessions: a process that waits has one beyond its pool. */
export const connections: Check = {
  name: 'connections',
  async run(patient) {
    if (patient.dialect === 'sqlite') return []
    const { used, most } = await (patient.dialect === 'postgres' ? onPostgres(patient) : onMysql(patient))
    const text = `${used} of ${most} connections in use`
    return [used < most * FULL ? ok(text) : crowded(text)]
  },
}

async function onPostgres({ ask }: Patient) {
  const [row] = await ask(postgresDoctorStatements.connections())
  return { used: numberIn(row, 'used'), most: numberIn(row, 'most') }
}

async function onMysql({ ask }: Patient) {
  const [used] = await ask(mysqlDoctorStatements.status(['Threads_connected']))
  const [most] = await ask(mysqlDoctorStatements.settings(['max_connections']))
  return { used: Number(textIn(used, 'Value')), most: Number(textIn(most, 'Value')) }
}

function crowded(text: string): Remark {
  return warning(
    text,
    'a process that waits or keeps leases alive has one connection beyond its pool; without it, renewals wait behind the app’s own work, and leases can be lost',
    'raise `max_connections`, lower the pools, or put a pooler in front',
  )
}
