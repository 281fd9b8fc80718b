import { readFileSync } from 'node:fs'
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { runGuardedStep } from '../../servers/guarded-process.ts'
import { unpackedMariadb } from '../../servers/mariadb-programs.ts'
import { INIT_SQL, placeOptions } from '../../servers/mysql-family.ts'
import { serverUser } from '../../servers/os-user.ts'
import { readableCopy } from '../../servers/readable-copy.ts'
import { unpackedDebian } from '../../servers/unpacked-debian.ts'
import { lastingPort } from './lasting-port.ts'
import { LASTING_OPTIONS } from './prepare-mysql.ts'
import { queryMysql } from './query-mysql.ts'
import { RestartableServer } from './restartable-server.ts'
import { SupervisedServer } from './supervised-server.ts'
import { untilTrue } from './until-true.ts'

/** One without rights over the server, as applications have it. */
const CREATE_WORKER = `create user if not exists 'worker'@'%' identified by 'worker';
grant all on verrou_test.* to 'worker'@'%';
`

/**
 * Who looks what has become of it all must not be shown an old state by a node that is a moment behind, so it waits for the node to
 * catch up. Workers do not: nobody's do who has not asked for it. (Those with rights over the server get no `init_connect`.)
 */
const READ_OPTIONS = ['--wsrep-sync-wait=1', '--init-connect=set session wsrep_sync_wait = 0']

const LIBRARY_FOLDER = 'usr/lib/galera'
/** The script's text: it must lie where the server's user can run it, under the name that the server calls. */
const TRANSFER_SCRIPT = readFileSync(new URL('wsrep_sst_copy.sh', import.meta.url), 'utf8')
const JOIN_PATIENCE_MS = 30_000

/**
 * A node that was killed does not know how far it had got; asked, it finds out, and then lacks only what came after.
 * https://galeracluster.com/library/training/tutorials/restarting-cluster.html
 */
const START_WHERE_IT_ENDED = `
[ -e "$0/grastate.dat" ] && position=$("$@" --wsrep-recover 2>&1 | sed -n 's/.*Recovered position: *//p')
exec "$@" \${position:+"--wsrep-start-position=$position"}`

/** Timings for one machine. A node that is silent for a second is voted out; the others have six to agree. */
const TIMINGS = [
  'evs.keepalive_period=PT0.2S',
  'evs.inactive_check_period=PT0.1S',
  'evs.suspect_timeout=PT1S',
  'evs.inactive_timeout=PT6S',
  'evs.install_timeout=PT6S',
  'evs.join_retrans_period=PT0.3S',
  'pc.announce_timeout=PT1S',
  // Never are all of them down, so none has to remember who was there.
  'pc.recovery=false',
]

interface Ports {
  readonly sql: number
  readonly group: number
  readonly transfer: number
}

/** Starts three nodes of MariaDB Galera, of Debian 12. */
export async function startGaleraCluster(): Promise<RestartableServer[]> {
  const all = [await portsOfNode(), await portsOfNode(), await portsOfNode()]
  const processes = await Promise.all(
    all.map((_, index) => SupervisedServer.create(`galera-${index + 1}`, serverUser('mysql'), 'KILL')),
  )
  try {
    const nodes = await Promise.all(processes.map((process, index) => prepareNode(process, index, all)))
    const [first, ...others] = nodes as [RestartableServer, ...RestartableServer[]]
    await initialize(first)
    await first.start('--wsrep-new-cluster', `--init-file=${join(first.process.folder, 'init.sql')}`)
    // One after the other: a node that gives its data away to one is of no use to the next.
    for (const node of others) await node.start()
    return nodes
  } catch (error) {
    await Promise.all(processes.map((process) => process.stop()))
    throw error
  }
}

/** The only one that needs data of its own: the others get its. */
async function initialize({ process: { folder, user, dataFolder } }: RestartableServer): Promise<void> {
  const { initialize } = await unpackedMariadb(folder, user)
  await runGuardedStep({ command: ['rmdir', dataFolder], folder, user })
  await runGuardedStep({ command: initialize(dataFolder), folder, user })
  await writeFile(join(folder, 'init.sql'), INIT_SQL + CREATE_WORKER, { mode: 0o644 })
}

async function prepareNode(
  process: SupervisedServer,
  index: number,
  all: readonly Ports[],
): Promise<RestartableServer> {
  const { folder, user, dataFolder } = process
  const { server } = await unpackedMariadb(folder, user)
  const library = await galeraLibrary(process)
  await runGuardedStep({ command: ['mkdir', dataFolder], folder, user })
  await writeFile(join(folder, 'wsrep_sst_copy'), TRANSFER_SCRIPT, { mode: 0o755 })

  const ports = all[index] as Ports
  const options = [...placeOptions(folder, ports.sql), ...LASTING_OPTIONS, ...clusterOptions(index, all, library)]
  return new RestartableServer({
    process,
    url: `mysql://verrou:verrou@127.0.0.1:${ports.sql}/verrou_test`,
    command: [
      'env',
      `PATH=${folder}:${globalThis.process.env.PATH}`,
      ...['/bin/sh', '-c', START_WHERE_IT_ENDED, dataFolder],
      ...[...server, ...options],
    ],
    join: untilSynced,
  })
}

async function galeraLibrary({ folder, user }: SupervisedServer): Promise<string> {
  const { folder: original } = await unpackedDebian({ suite: 'bookworm', packageName: 'galera-4', runFolder: folder })
  const readable = await readableCopy({ original, program: LIBRARY_FOLDER, folder, user })
  return join(readable, LIBRARY_FOLDER, 'libgalera_smm.so')
}

function clusterOptions(index: number, all: readonly Ports[], library: string): string[] {
  const { group, transfer } = all[index] as Ports
  const addresses = all.map(({ group }) => `127.0.0.1:${group}`)
  const providerOptions = [
    `gmcast.listen_addr=tcp://127.0.0.1:${group}`,
    `ist.recv_addr=127.0.0.1:${transfer}`,
    `ist.recv_bind=127.0.0.1:${transfer}`,
    // What a node has missed for some seconds is still there.
    'gcache.size=64M',
    'repl.causal_read_timeout=PT3S',
    ...TIMINGS,
  ]
  return [
    '--log-warnings=0',
    ...READ_OPTIONS,
    '--binlog-format=ROW',
    '--innodb-autoinc-lock-mode=2',
    '--wsrep-on=ON',
    `--wsrep-provider=${library}`,
    '--wsrep-cluster-name=verrou',
    `--wsrep-cluster-address=gcomm://${addresses.join(',')}`,
    `--wsrep-node-name=node${index + 1}`,
    `--wsrep-node-address=127.0.0.1:${group}`,
    '--wsrep-sst-method=copy',
    `--wsrep-provider-options=${providerOptions.join(';')}`,
  ]
}

async function portsOfNode(): Promise<Ports> {
  return { sql: await lastingPort(), group: await lastingPort(), transfer: await lastingPort() }
}

/** It has all data and takes writes. */
async function untilSynced(url: string): Promise<void> {
  await untilTrue('the node is part of its cluster', JOIN_PATIENCE_MS, async () => {
    const [status] = await queryMysql(url, "show status like 'wsrep_local_state_comment'")
    const [ready] = await queryMysql(url, "show status like 'wsrep_ready'")
    return status?.Value === 'Synced' && ready?.Value === 'ON'
  })
}
