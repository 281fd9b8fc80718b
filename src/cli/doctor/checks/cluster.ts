import { note, ok, problem, type Remark, warning } from '../finding.ts'
import { mysqlDoctorStatements } from '../mysql-doctor-statements.ts'
import { numberIn, type Patient, textIn } from '../patient.ts'
import { postgresDoctorStatements } from '../postgres-doctor-statements.ts'
import type { Check } from './check.ts'

/** Several servers that stand for one: what they promise together. */
export const cluster: Check = {
  name: 'cluster',
  async run(patient) {
    if (patient.dialect === 'postgres') return [await onPostgres(patient)]
    if (patient.dialect === 'sqlite') return []
    return [(await galera(patient)) ?? (await groupReplication(patient)) ?? ok('a single server, as far as it tells')]
  },
}

async function onPostgres({ ask }: Patient): Promise<Remark> {
  const [standing] = await ask(postgresDoctorStatements.standing())
  const replicas = numberIn(standing, 'replicas')
  if (replicas === 0) return ok('no replica is connected')
  const [names] = await ask(postgresDoctorStatements.settings(['synchronous_standby_names']))
  if (textIn(names, 'value') !== '') return ok(`${replicas} connected, synchronous: ${textIn(names, 'value')}`)
  return note(
    `${replicas} connected, none of them synchronous`,
    'a failover loses the grants of the last moments: their keys are granted again, to a second holder until the first one’s TTL ends',
    'set `synchronous_standby_names`, or protect what matters with guards',
  )
}

async function galera({ ask, engine }: Patient): Promise<Remark | undefined> {
  if (engine.name !== 'MariaDB') return undefined
  const rows = await ask(mysqlDoctorStatements.galera())
  const statusOf = (name: string) =>
    textIn(
      rows.find((row) => textIn(row, 'Variable_name') === name),
      'Value',
    )
  const status = statusOf('wsrep_cluster_status')
  if (numberIn({ size: statusOf('wsrep_cluster_size') }, 'size') === 0 || statusOf('wsrep_ready') !== 'ON') {
    return status === '' || status === 'Disconnected' ? undefined : broken(`Galera: this node is not ready (${status})`)
  }
  if (status !== 'Primary') return broken(`Galera: this node has no quorum (${status})`)
  return note(
    `Galera, ${statusOf('wsrep_cluster_size')} nodes`,
    'leases and guards work on every node; `get_lock` is local to one, so that session locks and presence are refused',
    'keep the clocks of the nodes together: leases end by the clock of the node that is asked',
  )
}

async function groupReplication({ ask, engine }: Patient): Promise<Remark | undefined> {
  if (engine.name !== 'MySQL') return undefined
  // Whoever is in none need not be allowed to look at its members.
  const [group] = await ask(mysqlDoctorStatements.settings(['group_replication_group_name']))
  if (textIn(group, 'Value') === '') return undefined
  const [member] = await ask(mysqlDoctorStatements.groupMembers())
  const state = textIn(member, 'state')
  if (state === '' || state === 'OFFLINE') return undefined
  if (state !== 'ONLINE') return broken(`Group Replication: this member is ${state}`)
  if (textIn(member, 'role') !== 'PRIMARY') return broken('Group Replication: this member is a secondary')
  const [consistency] = await ask(mysqlDoctorStatements.settings(['group_replication_consistency']))
  const level = textIn(consistency, 'Value')
  if (level !== 'EVENTUAL') return ok(`Group Replication, primary, consistency ${level}`)
  return warning(
    'Group Replication with the consistency EVENTUAL',
    'a new primary can answer before it has applied all that the old one had, and show a key as free that is held',
    "set group_replication_consistency = 'BEFORE_ON_PRIMARY_FAILOVER' on all members",
  )
}

function broken(what: string): Remark {
  return problem(what, 'writes are refused here, and with them every lock', 'connect to a member that takes writes')
}
