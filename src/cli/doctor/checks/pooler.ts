import { sql } from 'kysely'
import { postgresSessionDialect } from '../../../dialects/postgres/session-dialect.ts'
import { isLockError } from '../../../errors.ts'
import { SessionProof } from '../../../store/session-proof.ts'
import { systemClock } from '../../../system-clock.ts'
import { besidePool, NO_POOL } from '../beside-pool.ts'
import { ok, type Remark, unchecked, warning } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { type Patient, type Row, textIn } from '../patient.ts'
import type { Check } from './check.ts'

const OPEN_MS = 5_000

/** Whether each connection has a session of the server to itself, or a pooler in between hands sessions around. */
export const pooler: Check = {
  name: 'pooler',
  async run(patient) {
    if (patient.dialect === 'sqlite') return []
    return [patient.dialect === 'postgres' ? await onPostgres(patient) : await onMysql(patient)]
  },
}

/** The same proof that session locks ask for. */
async function onPostgres(patient: Patient): Promise<Remark> {
  const beside = besidePool(patient)
  const { hearing } = postgresSessionDialect(patient.table)
  if (!beside || !hearing) return unchecked(NO_POOL)
  const { connect, executor } = beside
  const proof = new SessionProof({ hearing, executor, connect, clock: systemClock })
  const connection = connect()
  let isOver = false
  const stopHearing = connection.hear({
    notified: (channel, payload) => void proof.notified(channel, payload),
    lost: () => {
      isOver = true
    },
  })
  try {
    await proof.provide(connection, OPEN_MS, () => isOver)
    return ok('each connection has a session of its own')
  } catch (error) {
    if (isLockError(error, 'E_SESSION_POOLED')) return pooled()
    throw error
  } finally {
    stopHearing()
    await connection.close()
  }
}

/** Statements of several connections at once: a pooler that shares its sessions has to give some of them another one. */
async function onMysql({ db }: Patient): Promise<Remark> {
  const idsOf = () =>
    db.connection().execute(async (connection) => {
      const ids = new Set<string>()
      for (let n = 0; n < 5; n++) {
        const { rows } = await sql<Row>`${mysqlDoctorStatements.connectionId()}`.execute(connection)
        ids.add(textIn(rows[0], 'id'))
      }
      return ids
    })
  const all = await Promise.all([idsOf(), idsOf()])
  return all.every(({ size }) => size === 1) ? ok('each connection has a session of its own') : pooled()
}

function pooled(): Remark {
  return warning(
    'a pooler hands the sessions of the server to many clients in turn (such as PgBouncer in transaction mode)',
    'leases, guards and locks until commit work; session locks and presence are refused (E_SESSION_POOLED), and waiters hear of nothing',
    "give stores a direct address beside it, `listen: { connectionString: 'postgres://…' }`",
  )
}
