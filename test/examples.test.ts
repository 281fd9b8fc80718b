import { globSync, readFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { REPOSITORY } from '../scripts/repository.ts'
import { isSelected } from './servers/selection.ts'
import { BACKENDS } from './support/backends.ts'
import type { CodeBlock } from './support/code-blocks.ts'
import { createDocsProject } from './support/docs-project.ts'
import { runBlock } from './support/run-block.ts'
import { createDatabase } from './support/throwaway-database.ts'

/**
 * Every example of one file runs as it is, on the database that its second line names, and prints what its comments say. Those of several files, with
 * frameworks, have tests of their own.
 */

const EXAMPLES = globSync('examples/{*,transactions/*}.ts', { cwd: REPOSITORY }).toSorted().map(readExample)
const project = createDocsProject([])
afterAll(() => project.remove())

for (const example of EXAMPLES) {
  const family = familyOf(example)
  if (family === 'sqlite') test.runIf(isSelected('sqlite'))(example.page, () => run(example))
  for (const backend of BACKENDS.filter((one) => one.family === family)) {
    test(`${example.page} (${backend.name})`, async () => {
      const database = await createDatabase(backend)
      try {
        await run(example, database.url)
      } finally {
        await database.drop()
      }
    })
  }
}

test('each adapter has an example', () => {
  const adapters = Object.keys(JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')).exports)
    .filter((entry) => entry.startsWith('./adapters/'))
    .map((entry) => basename(entry))
  const shown = EXAMPLES.filter(({ page }) => page.startsWith('examples/transactions/'))
    .map(({ page }) => basename(page, '.ts'))
    .filter((name) => name !== 'kysely')
  expect(shown.sort()).toEqual(adapters.sort())
})

function readExample(page: string): CodeBlock {
  const code = readFileSync(join(REPOSITORY, page), 'utf8')
  return { page, line: 1, language: 'ts', code, directives: {} }
}

/** By the line that says how to run it: `DATABASE_URL=mysql://…`, or none for SQLite. */
function familyOf({ code }: CodeBlock): 'postgres' | 'mysql' | 'sqlite' {
  const [, scheme] = /DATABASE_URL=(\w+):/.exec(code) ?? []
  return scheme === 'postgres' || scheme === 'mysql' ? scheme : 'sqlite'
}

async function run(example: CodeBlock, url?: string): Promise<void> {
  const env = url === undefined ? project.env : { ...project.env, DATABASE_URL: url }
  await runBlock(example, project.folderFor(example), env)
}
