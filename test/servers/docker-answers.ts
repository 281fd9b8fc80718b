import { existsSync } from 'node:fs'
import { request } from 'node:http'
import { connect } from 'node:net'
import { homedir } from 'node:os'
import { join } from 'node:path'

const PATIENCE_MS = 1_000

let answer: Promise<boolean> | undefined

/** Whether a Docker engine is there and answers. Asked once; decided within a second, so that a machine without one loses no time. */
export function dockerAnswers(): Promise<boolean> {
  answer ??= askDocker()
  return answer
}

async function askDocker(): Promise<boolean> {
  const host = process.env.DOCKER_HOST
  if (host?.startsWith('tcp://')) return await accepts(new URL(host))
  if (host && !host.startsWith('unix://')) return false

  const socketPath = host ? host.slice('unix://'.length) : localSockets().find((path) => existsSync(path))
  return socketPath !== undefined && (await answersPing(socketPath))
}

/** The same places that Testcontainers looks at. https://node.testcontainers.org/supported-container-runtimes/ */
function localSockets(): string[] {
  const folders = [
    process.env.XDG_RUNTIME_DIR,
    join(homedir(), '.docker/run'),
    join(homedir(), '.docker/desktop'),
    `/run/user/${process.getuid?.()}`,
  ]
  return ['/var/run/docker.sock', ...folders.flatMap((folder) => (folder ? [join(folder, 'docker.sock')] : []))]
}

function answersPing(socketPath: string): Promise<boolean> {
  return new Promise((resolve) => {
    const ping = request({ socketPath, path: '/_ping', timeout: PATIENCE_MS }, (response) => {
      response.resume()
      resolve(response.statusCode === 200)
    })
    ping.once('timeout', () => ping.destroy())
    // After "timeout" too; by then a promise that is resolved stays as it is.
    ping.once('error', () => resolve(false))
    ping.once('close', () => resolve(false))
    ping.end()
  })
}

/** A remote engine may want TLS and certificates, which are Testcontainers' business: that it listens is enough. */
function accepts({ hostname, port }: URL): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host: hostname, port: Number(port) || 2375 })
    const finish = (hasAnswered: boolean) => {
      socket.destroy()
      resolve(hasAnswered)
    }
    socket.setTimeout(PATIENCE_MS, () => finish(false))
    socket.once('connect', () => finish(true))
    socket.once('error', () => finish(false))
  })
}
