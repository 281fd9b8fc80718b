// npm run bench:throughput -- --help
// How many locks a server takes and gives back in a second, each with a key of its own, and how large the table gets.
import { cpus, loadavg } from 'node:os'
import { parseArgs } from 'node:util'
import Table from 'cli-table3'
import type { Target } from './hand-over/arguments.ts'
import { BenchDatabase } from './hand-over/bench-database.ts'
import { bytesOfTable } from './throughput/bytes-of-table.ts'
import { pairsPerSecond } from './throughput/pairs-per-second.ts'

const HELP = `npm run bench:throughput -- [options]

One process whose callers take and release locks, each with keys of its own, on a pool with a connection for each caller. Servers are those
of the tests (VERROU_TEST_POSTGRES_18_URL, VERROU_TEST_MYSQL_URL, VERROU_TEST_MARIADB_URL); it creates a database of its own on each.

  --callers <list>   default 1,16,64
  --seconds <n>      measured time of each, after 1 s of warming up; default 5
  --rounds <n>       the best of so many; default 3
  --rows <list>      also: the size of a table with so many keys, all free; default none
`

const VARIABLES = {
  postgres: 'VERROU_TEST_POSTGRES_18_URL',
  mysql: 'VERROU_TEST_MYSQL_URL',
  mariadb: 'VERROU_TEST_MARIADB_URL',
}

const text = { type: 'string' } as const
const { values } = parseArgs({
  options: { help: { type: 'boolean' }, callers: text, seconds: text, rounds: text, rows: text },
})
if (values.help) process.stdout.write(HELP)
else await measure()

async function measure(): Promise<void> {
  const callers = numbersIn(values.callers ?? '1,16,64')
  const [seconds = 5] = numbersIn(values.seconds ?? '5')
  const [rounds = 3] = numbersIn(values.rounds ?? '3')
  process.stdout.write(`${cpus().length} × ${cpus()[0]?.model}, load ${loadavg()[0]?.toFixed(1)}\n`)
  for (const target of targets()) {
    const database = await BenchDatabase.create(target)
    try {
      const table = new Table({
        head: ['pairs/s', ...callers.map((n) => `${n} callers`)],
        style: { head: [], border: [] },
      })
      for (const portable of [false, true]) {
        const cells: string[] = []
        for (const count of callers) {
          const runs: number[] = []
          for (let round = 0; round < rounds; round++) {
            runs.push(await pairsPerSecond({ family: target.family, url: database.url, portable }, count, seconds))
          }
          cells.push(Math.max(...runs).toFixed(0))
        }
        table.push([portable ? 'portable' : 'as it is', ...cells])
      }
      process.stdout.write(`\n${database.name} (${database.version})\n${table}\n`)
      for (const rows of numbersIn(values.rows ?? '')) {
        const bytes = await bytesOfTable(target.family, database.url, rows)
        process.stdout.write(`${rows} keys: ${(bytes / 1e6).toFixed(1)} MB, ${(bytes / rows).toFixed(0)} bytes each\n`)
      }
    } finally {
      await database.drop()
    }
  }
}

function targets(): (Target & { readonly family: 'postgres' | 'mysql' })[] {
  return Object.entries(VARIABLES).flatMap(([name, variable]) => {
    const url = process.env[variable]
    return url === undefined
      ? []
      : [{ name, family: name === 'postgres' ? ('postgres' as const) : ('mysql' as const), url }]
  })
}

function numbersIn(list: string): number[] {
  return list
    .split(',')
    .filter((one) => one !== '')
    .map((one) => {
      if (!(Number(one) >= 1)) throw new Error(`${one} is no number from 1`)
      return Number(one)
    })
}
