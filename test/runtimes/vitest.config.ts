import { defineConfig } from 'vitest/config'
import { REPOSITORY } from '../../scripts/repository.ts'

/** What runs on other runtimes than Node.js: started by `runtimes.test.ts`, with a Vitest that runs on them as well. */
export default defineConfig({
  root: REPOSITORY,
  test: {
    include: ['test/runtimes/*.runtime.ts'],
    globalSetup: 'test/servers/global-setup.ts',
    // Bun cannot fork workers as Vitest wants them: `child.channel.unref` is missing there.
    pool: process.versions.bun ? 'threads' : 'forks',
    testTimeout: 20_000,
    // Many of them run at the same time as the tests of this repository: a lease of 600 ms may end before anybody gets to renew it.
    retry: 2,
  },
})
