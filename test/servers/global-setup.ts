import type { TestProject } from 'vitest/node'
import { closeWithMissing } from './close-with-missing.ts'
import { parseSelection } from './selection.ts'
import { startServers } from './start-servers.ts'
import { wantedServers } from './wanted-servers.ts'

/** Starts the servers that TEST_DATABASES selects, once for all test files; what it returns runs after the last one. */
export default async function setup(project: TestProject): Promise<() => Promise<void>> {
  const { names, isExplicit } = parseSelection(process.env.TEST_DATABASES)
  const { started, missing } = await startServers(wantedServers(names, process.env))
  project.provide(
    'servers',
    started.map(({ name, url, version }) => ({ name, url, version })),
  )

  return async () => {
    try {
      await Promise.all(started.map((server) => server.stop()))
    } finally {
      closeWithMissing(missing, isExplicit)
    }
  }
}
