import { existsSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { Redis } from 'ioredis'
import { freePort } from '../../test/servers/free-port.ts'
import { startGuardedServer } from '../../test/servers/guarded-process.ts'
import { serverUser } from '../../test/servers/os-user.ts'
import { createRunFolder } from '../../test/servers/run-folder.ts'
import type { StartedServer } from '../../test/servers/started-server.ts'
import { NotRun } from '../not-run.ts'

const MOST_TRIES = 100

/** Starts the machine's own Redis, which keeps nothing on disk: the fastest that it can be. */
export async function startRedis(): Promise<StartedServer> {
  const program = findProgram('redis-server')
  if (program === undefined) throw new NotRun('this machine has no redis-server')
  const user = serverUser('redis')
  const folder = await createRunFolder('redis', user)
  const port = await freePort()
  const options = ['--bind', '127.0.0.1', '--port', `${port}`, '--save', '', '--appendonly', 'no', '--dir', folder]
  const server = startGuardedServer({ command: [program, ...options], folder, user })
  const url = `redis://127.0.0.1:${port}`
  try {
    return { url, version: await versionOf(url), source: `installed ${program}`, stop: server.stop }
  } catch (error) {
    await server.stop()
    throw new NotRun(`redis-server does not answer: ${server.output()}`, { cause: error })
  }
}

async function versionOf(url: string): Promise<string> {
  const client = new Redis(url, { maxRetriesPerRequest: MOST_TRIES, retryStrategy: () => 50 })
  client.on('error', () => {})
  try {
    const facts = await client.info('server')
    return facts.match(/redis_version:(\S+)/)?.[1] ?? 'unknown'
  } finally {
    client.disconnect()
  }
}

function findProgram(name: string): string | undefined {
  const folders = [...(process.env.PATH ?? '').split(delimiter), '/usr/bin', '/usr/local/bin']
  return folders.map((folder) => join(folder, name)).find((path) => existsSync(path))
}
