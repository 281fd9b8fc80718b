import { spawn } from 'node:child_process'
import type { FaultKind, Scene } from '../../fault.ts'
import { pause } from '../pause.ts'
import { dumpProgram } from './dump-program.ts'
import { openAdmin, type ServerFamily, serverFamily } from './server-scene.ts'

/** pg_dump locks tables against being dropped only; the second way waits for a moment when no serializable transaction is in its way. */
const WAYS: Record<ServerFamily, readonly string[]> = {
  postgres: ['--format=plain', '--serializable-deferrable'],
  mysql: ['--single-transaction', '--lock-tables'],
}

const PAUSE_MS = 100
/** A dump that has begun may end. */
const GRACE_MS = 5_000
const KEPT_CHARACTERS = 2_000

/** The database is dumped, over and over, to nowhere. */
export function dump(family: ServerFamily): FaultKind {
  return {
    name: 'dump',
    lane: 'server',
    weight: 8,
    draw: (random) => ({ way: random.pick(WAYS[family]), forMs: random.integer(500, 3_000) }),
    async inject({ way, forMs }, scene, signal) {
      const program = await programFor(scene)
      const endMs = performance.now() + Number(forMs)
      let hasDumped = false
      let trouble = ''
      while (performance.now() < endMs && !signal.aborted) {
        const limit = AbortSignal.any([signal, AbortSignal.timeout(Math.ceil(endMs + GRACE_MS - performance.now()))])
        const failure = await runDump(commandFor(scene, program, String(way)), limit)
        if (failure === undefined) hasDumped = true
        else trouble = failure
        await pause(PAUSE_MS, signal)
      }
      if (!hasDumped && trouble !== '') throw new Error(`not injected: ${trouble}`)
    },
  }
}

interface DumpCommand {
  readonly command: readonly string[]
  /** Not among the arguments, which everybody on the machine can read. */
  readonly environment: Record<string, string>
}

/** @returns what went wrong; a dump that took too long for the fault did not */
async function runDump({ command, environment }: DumpCommand, limit: AbortSignal): Promise<string | undefined> {
  const [program = '', ...args] = command
  const child = spawn(program, args, {
    stdio: ['ignore', 'ignore', 'pipe'],
    env: { ...process.env, ...environment },
  })
  let words = ''
  child.stderr.on('data', (data) => {
    words = (words + data).slice(-KEPT_CHARACTERS)
  })
  const kill = () => void child.kill('SIGTERM')
  limit.addEventListener('abort', kill)
  const code = await new Promise((resolve) => {
    child.once('close', resolve)
    child.once('error', (error) => {
      words += error.message
      resolve(null)
    })
  })
  limit.removeEventListener('abort', kill)
  return code === 0 || limit.aborted ? undefined : `${words} (${code})`
}

async function programFor(scene: Scene): Promise<string[]> {
  if (serverFamily(scene) === 'postgres') return dumpProgram('pg_dump')
  const admin = await openAdmin(scene)
  try {
    const [row] = await admin.query('select version() as version')
    return await dumpProgram(/mariadb/i.test(String(row?.version)) ? 'mariadb-dump' : 'mysqldump')
  } finally {
    admin.close()
  }
}

/** Asked anew for each dump: after a failover it is another server. */
function commandFor(scene: Scene, program: readonly string[], way: string): DumpCommand {
  const url = new URL(scene.database.adminUrl())
  const password = decodeURIComponent(url.password)
  if (serverFamily(scene) === 'postgres') {
    url.password = ''
    return { command: [...program, `--dbname=${url.href}`, way], environment: { PGPASSWORD: password } }
  }
  const place = [`--host=${url.hostname}`, `--port=${url.port}`, `--user=${decodeURIComponent(url.username)}`]
  const command = [...program, '--no-defaults', ...place, '--no-tablespaces', way, url.pathname.slice(1)]
  return { command, environment: { MYSQL_PWD: password } }
}
