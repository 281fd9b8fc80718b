// npx node test/servers/start.ts [NAME...]
// Starts the servers of the tests (all, or those named) and keeps them until Ctrl-C. Prints the lines that make `npm test` use them.
import { notRunLines } from './not-run.ts'
import { parseSelection } from './selection.ts'
import { startServers } from './start-servers.ts'
import { wantedServers } from './wanted-servers.ts'

const wanted = wantedServers(parseSelection(process.argv.slice(2).join(',')).names, {})
const { started, missing } = await startServers(wanted)

for (const { name, url } of started) {
  const variable = wanted.find((server) => server.name === name)?.variable
  console.log(`export ${variable}=${url}`)
  if (name === 'postgres-18') console.log(`export VERROU_TEST_POSTGRES_URL=${url}`)
}
for (const line of notRunLines(missing)) console.error(line)

if (started.length > 0) {
  console.error('Ctrl-C ends them.')
  // The servers themselves keep no process alive.
  const keepAlive = setInterval(() => {}, 2 ** 30)
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const)
    process.once(signal, async () => {
      clearInterval(keepAlive)
      await Promise.all(started.map((server) => server.stop()))
    })
}
if (missing.length > 0) process.exitCode = 1
