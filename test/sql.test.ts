import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { REPOSITORY } from '../scripts/repository.ts'
import { cliFiles } from '../scripts/write-cli-doc.ts'
import { errorFiles } from '../scripts/write-errors-doc.ts'
import { presentSqlPaths, sqlFiles } from '../scripts/write-sql.ts'

/** Where the text of a file comes from a place in `src` that has changed: `npm run generate`, and look at the difference. */
function committed(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8')
}

describe('sql/', () => {
  test.each([...sqlFiles()])('%s is what the library sends', (path, text) => {
    expect(committed(path)).toBe(text)
  })

  test('has no file that nothing sends', () => {
    expect(presentSqlPaths()).toEqual([...sqlFiles().keys()].sort())
  })
})

test('only what may be undone by a crash does not wait for the disk', () => {
  const relaxed = [...sqlFiles()].filter(([, text]) => text.includes('synchronous_commit')).map(([path]) => path)
  expect(relaxed.sort()).toEqual([
    'sql/postgres/release-all.sql',
    'sql/postgres/release.sql',
    'sql/postgres/sweep-delete.sql',
    'sql/postgres/want.sql',
  ])
})

test.each([...errorFiles(), ...cliFiles()])('%s is current', (path, text) => {
  expect(committed(path)).toBe(text)
})
