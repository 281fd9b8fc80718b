import { type Engine, isAtLeast } from '../engine.ts'
import { note, ok, problem, type Remark } from '../finding.ts'
import type { Check } from './check.ts'

/** The oldest versions that the tests run on. */
const OLDEST = { Postgres: '14', MySQL: '8.4', MariaDB: '10.11', SQLite: '3.42' } as const

/** Which program answers, and whether it is supported. */
export const server: Check = {
  name: 'server',
  run: async ({ engine }) => [remarkOn(engine)],
}

function remarkOn({ name, version }: Engine): Remark {
  const text = `${name} ${version}`
  if (!(name in OLDEST)) {
    const why =
      'it is not run in our tests; the portable words, which stores take by themselves through Kysely, ask for no more than it has'
    return note(
      text,
      why,
      'give `pgStore` and `mysqlStore` `portable: true`; docs/databases.md tells what is different',
    )
  }
  const oldest = OLDEST[name as keyof typeof OLDEST]
  if (isAtLeast(version, oldest)) return ok(text)
  return problem(
    `${text} is not supported`,
    `the statements need features of ${name} ${oldest}, and nothing is tested before it`,
    `upgrade to ${name} ${oldest} or newer`,
  )
}
