import { failureReason } from './failure-reason.ts'
import { obtainServer } from './obtain-server.ts'
import type { StartedServer } from './started-server.ts'
import type { WantedServer } from './wanted-servers.ts'

export interface NamedServer extends StartedServer {
  name: WantedServer['name']
}

/** A database that could not be had, and why. */
export interface MissingServer {
  name: WantedServer['name']
  reason: string
}

export interface Servers {
  started: NamedServer[]
  missing: MissingServer[]
}

/** Starts all servers at the same time and prints one line for each. */
export async function startServers(wanted: readonly WantedServer[]): Promise<Servers> {
  const startedAt = performance.now()
  const servers: Servers = { started: [], missing: [] }

  await Promise.all(
    wanted.map(async (server) => {
      try {
        const started = await obtainServer(server)
        servers.started.push({ ...started, name: server.name })
        const seconds = ((performance.now() - startedAt) / 1000).toFixed(1)
        // Not on standard output, which belongs to machine-readable reporters.
        console.error(`${server.name.padEnd(12)} ${started.version} (${started.source}, ${seconds} s)`)
      } catch (error) {
        servers.missing.push({ name: server.name, reason: failureReason(error) })
        console.error(`${server.name.padEnd(12)} NOT AVAILABLE`)
      }
    }),
  )
  return inOrder(wanted, servers)
}

function inOrder(wanted: readonly WantedServer[], { started, missing }: Servers): Servers {
  const places = wanted.map(({ name }) => name)
  const byPlace = (one: { name: WantedServer['name'] }, other: { name: WantedServer['name'] }) =>
    places.indexOf(one.name) - places.indexOf(other.name)
  return { started: started.toSorted(byPlace), missing: missing.toSorted(byPlace) }
}
