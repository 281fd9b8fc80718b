// npm run bench:hand-over -- --help
// How long a key lies idle between two holders, when real processes hand it back and forth.
import { writeFile } from 'node:fs/promises'
import { loadavg } from 'node:os'
import { HELP, readArguments, type Wishes } from './hand-over/arguments.ts'
import { BenchDatabase } from './hand-over/bench-database.ts'
import { HandOverNumbers } from './hand-over/hand-over-numbers.ts'
import { play, type Setting } from './hand-over/play.ts'
import { tableOf } from './hand-over/table-of.ts'

// Ctrl-C reaches the workers as well: their end ends the run, and what was made on the servers is dropped.
process.on('SIGINT', () => {})

const wishes = readArguments(process.argv.slice(2))
if (wishes === undefined) process.stdout.write(HELP)
else await measure(wishes)

async function measure(wishes: Wishes): Promise<void> {
  const databases: BenchDatabase[] = []
  try {
    for (const target of wishes.targets) databases.push(await BenchDatabase.create(target))
    const results = databases.flatMap((database) =>
      settingsOf(wishes).map((setting) => ({ database, setting, numbers: new HandOverNumbers() })),
    )
    // Round by round, so that what else the machine does meets all of them.
    for (let round = 1; round <= wishes.rounds; round++) {
      for (const [index, { database, setting, numbers }] of results.entries()) {
        const about = `${database.name}, ${setting.processes} processes × ${setting.waiters}, hold ${setting.holdMs} ms`
        process.stderr.write(
          `round ${round} of ${wishes.rounds}, ${index + 1} of ${results.length}: ${about} (load ${loadavg()[0]?.toFixed(1)})\n`,
        )
        numbers.add(await play(database, setting))
      }
    }
    for (const { name, version } of databases) {
      const own = results.filter(({ database }) => database.name === name)
      process.stdout.write(`\n${name} (${version}), ${wishes.rounds} × ${wishes.seconds} s each\n${tableOf(own)}\n`)
    }
    if (wishes.json !== undefined) {
      const lines = results.map(({ database: { name, version }, setting, numbers }) => ({
        database: name,
        version,
        ...setting,
        rounds: wishes.rounds,
        ...numbers.summary(),
      }))
      await writeFile(wishes.json, `${JSON.stringify(lines, undefined, 2)}\n`)
    }
  } finally {
    for (const database of databases) await database.drop()
  }
}

function settingsOf({ processes, waiters, holdMs, pauseMs, seconds, delayMs }: Wishes): Setting[] {
  return processes.flatMap((processes) =>
    waiters.flatMap((waiters) =>
      holdMs.flatMap((holdMs) => pauseMs.map((pauseMs) => ({ processes, waiters, holdMs, pauseMs, seconds, delayMs }))),
    ),
  )
}
