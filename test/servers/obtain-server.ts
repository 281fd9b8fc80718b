import { serverAddress } from '../support/server-address.ts'
import { dockerAnswers } from './docker-answers.ts'
import { failureReason } from './failure-reason.ts'
import { serverVersion } from './server-version.ts'
import { startContainer } from './start-container.ts'
import { startMariadb } from './start-mariadb.ts'
import { startMysql } from './start-mysql.ts'
import { startPostgres } from './start-postgres.ts'
import type { StartedServer } from './started-server.ts'
import type { ServerName, WantedServer } from './wanted-servers.ts'

const START_PROGRAM: Record<ServerName, () => Promise<StartedServer>> = {
  'postgres-14': () => startPostgres('postgres-14'),
  'postgres-18': () => startPostgres('postgres-18'),
  mysql: () => startMysql(),
  mariadb: () => startMariadb(),
}

/** A given URL, else a container, else a program of this machine; the error says why none of them could be had. */
export async function obtainServer({ name, variable, givenUrl }: WantedServer): Promise<StartedServer> {
  // What somebody asked for by name is used or reported, never replaced.
  if (givenUrl) return await useGiven(givenUrl, variable)
  if (!isOurs(name)) throw new Error(`${variable} is not set`)

  const reasons: string[] = []
  for (const start of [startContainerIfDocker, startProgram]) {
    try {
      return await start(name)
    } catch (error) {
      reasons.push(failureReason(error))
    }
  }
  throw new Error(reasons.join('; '))
}

function isOurs(name: WantedServer['name']): name is ServerName {
  return Object.hasOwn(START_PROGRAM, name)
}

async function startContainerIfDocker(name: ServerName): Promise<StartedServer> {
  if (!(await dockerAnswers())) throw new Error('no Docker engine answers')
  return await startContainer(name)
}

function startProgram(name: ServerName): Promise<StartedServer> {
  return START_PROGRAM[name]()
}

async function useGiven(url: string, variable: string): Promise<StartedServer> {
  try {
    return { url, version: await serverVersion(serverAddress(url).url), source: variable, stop: async () => {} }
  } catch (error) {
    throw new Error(`${variable} does not answer: ${failureReason(error)}`)
  }
}
