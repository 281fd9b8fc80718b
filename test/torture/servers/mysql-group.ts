import { randomUUID } from 'node:crypto'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runGuardedStep } from '../../servers/guarded-process.ts'
import { INIT_SQL, type MysqlFamilyPrograms, placeOptions } from '../../servers/mysql-family.ts'
import { unpackedMysql } from '../../servers/mysql-programs.ts'
import { serverUser } from '../../servers/os-user.ts'
import { lastingPort } from './lasting-port.ts'
import { LASTING_OPTIONS } from './prepare-mysql.ts'
import { queryMysql } from './query-mysql.ts'
import { RestartableServer } from './restartable-server.ts'
import { SupervisedServer } from './supervised-server.ts'
import { untilTrue } from './until-true.ts'

const JOIN_PATIENCE_MS = 20_000

/** The copy needs an identity of its own. */
const COPY_DATA = `cp -R "$1" "$2" && rm "$2/auto.cnf"`

interface Ports {
  readonly sql: number
  readonly group: number
}

/** Starts three members of MySQL Group Replication; the first is the primary. */
export async function startMysqlGroup(): Promise<RestartableServer[]> {
  const all = [await portsOfMember(), await portsOfMember(), await portsOfMember()]
  const processes = await Promise.all(
    all.map((_, index) => SupervisedServer.create(`group-${index + 1}`, serverUser('mysql'), 'KILL')),
  )
  try {
    const [first, ...others] = processes as [SupervisedServer, ...SupervisedServer[]]
    await initialize(first)
    for (const other of others) await copyData(first, other)
    const groupName = randomUUID()
    const members = await Promise.all(
      processes.map((process, index) => prepareMember({ process, index, all, groupName })),
    )
    await startGroup(members as [RestartableServer, ...RestartableServer[]])
    return members
  } catch (error) {
    await Promise.all(processes.map((process) => process.stop()))
    throw error
  }
}

async function startGroup([first, ...others]: [RestartableServer, ...RestartableServer[]]): Promise<void> {
  await refoundGroup(first)
  await Promise.all(others.map((other) => other.start()))
}

/** Of a member that is not running: it founds the group, with what it has. */
export async function refoundGroup(member: RestartableServer): Promise<void> {
  await member.start('--loose-group-replication-bootstrap-group=ON')
  // Else it would found another group whenever it comes back.
  await queryMysql(member.url, 'set global group_replication_bootstrap_group = off')
}

/** Before there is a binary log, so that all members begin with the same, empty history. */
async function initialize({ folder, user, dataFolder }: SupervisedServer): Promise<void> {
  const { initialize } = await unpackedMysql(folder, user)
  const initFile = join(folder, 'init.sql')
  await writeFile(initFile, INIT_SQL, { mode: 0o644 })
  await runGuardedStep({ command: [...initialize(dataFolder), `--init-file=${initFile}`], folder, user })
}

async function copyData(from: SupervisedServer, { folder, user, dataFolder }: SupervisedServer): Promise<void> {
  const command = ['/bin/sh', '-c', COPY_DATA, 'copy', from.dataFolder, dataFolder]
  await runGuardedStep({ command, folder, user })
}

interface Member {
  readonly process: SupervisedServer
  readonly index: number
  readonly all: readonly Ports[]
  readonly groupName: string
}

async function prepareMember(member: Member): Promise<RestartableServer> {
  const { process, index, all } = member
  const { folder, user } = process
  const { server }: MysqlFamilyPrograms = await unpackedMysql(folder, user)
  const { sql } = all[index] as Ports
  return new RestartableServer({
    process,
    url: `mysql://verrou:verrou@127.0.0.1:${sql}/verrou_test`,
    command: [...server, ...placeOptions(folder, sql), ...LASTING_OPTIONS, ...groupOptions(member)],
    join: joinGroup,
  })
}

/**
 * Consistency: a new primary answers nobody before it has applied what the group has agreed on. With `EVENTUAL`, a waiter
 * could be shown a lock as free that the old primary had granted.
 * https://dev.mysql.com/doc/refman/9.4/en/group-replication-consistency-guarantees.html
 */
function groupOptions({ index, all, groupName }: Member): string[] {
  const { sql, group } = all[index] as Ports
  const addresses = all.map(({ group }) => `127.0.0.1:${group}`)
  return [
    '--mysqlx=0',
    '--log-error-verbosity=1',
    '--sync-binlog=0',
    `--server-id=${index + 1}`,
    '--gtid-mode=ON',
    '--enforce-gtid-consistency=ON',
    '--report-host=127.0.0.1',
    `--report-port=${sql}`,
    '--plugin-load-add=group_replication.so',
    `--loose-group-replication-group-name=${groupName}`,
    '--loose-group-replication-start-on-boot=OFF',
    `--loose-group-replication-local-address=127.0.0.1:${group}`,
    `--loose-group-replication-group-seeds=${addresses.join(',')}`,
    '--loose-group-replication-recovery-get-public-key=ON',
    '--loose-group-replication-recovery-reconnect-interval=1',
    '--loose-group-replication-consistency=BEFORE_ON_PRIMARY_FAILOVER',
    // A member that is silent is voted out as soon as it is suspected, which takes five seconds.
    '--loose-group-replication-member-expel-timeout=0',
    '--loose-group-replication-unreachable-majority-timeout=5',
  ]
}

async function joinGroup(url: string): Promise<void> {
  await untilTrue('the member is part of its group', JOIN_PATIENCE_MS, async () => {
    const state = await stateOf(url)
    if (state === 'ONLINE') return true
    // Fails while the group still counts on the member that this one was.
    if (state !== 'RECOVERING') await queryMysql(url, "start group_replication user = 'verrou', password = 'verrou'")
    return false
  })
}

async function stateOf(url: string): Promise<string | undefined> {
  const [member] = await queryMysql(
    url,
    'select member_state as state from performance_schema.replication_group_members where member_id = @@server_uuid',
  )
  return member?.state
}

/** Whether the server says of itself that it is part of the group, and has all that the group has. */
export async function isOnline({ url }: RestartableServer): Promise<boolean> {
  return (await stateOf(url).catch(() => undefined)) === 'ONLINE'
}

/** The member that takes writes, as this one sees it. */
export async function primaryPort(url: string): Promise<number | undefined> {
  const [primary] = await queryMysql(
    url,
    `select member_port as port from performance_schema.replication_group_members
      where member_role = 'PRIMARY' and member_state = 'ONLINE'`,
  )
  return primary?.port
}

/** A new primary takes writes only when it has applied all of the old one's. */
export async function isWritable(url: string): Promise<boolean> {
  const [answer] = await queryMysql(url, 'select @@super_read_only as isReadOnly')
  return answer?.isReadOnly === 0
}

async function portsOfMember(): Promise<Ports> {
  return { sql: await lastingPort(), group: await lastingPort() }
}
