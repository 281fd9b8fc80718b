import { execFile } from 'node:child_process'
import { existsSync, globSync, mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { REPOSITORY } from '../scripts/repository.ts'
import { BACKENDS, type Backend } from './support/backends.ts'
import { type CodeBlock, codeBlocksOf } from './support/code-blocks.ts'
import { createDocsProject, isScript } from './support/docs-project.ts'
import { installedProject } from './support/packed-package.ts'
import { runBlock, runShell } from './support/run-block.ts'
import { runSql } from './support/run-sql.ts'
import { createDatabase } from './support/throwaway-database.ts'

const PAGES = ['README.md', 'CONTRIBUTING.md', ...writtenPages()]
const BLOCKS = PAGES.flatMap(codeBlocksOf)

const project = createDocsProject(BLOCKS)
/** Where the examples of the README run: on the package as users get it. */
let installed: string

beforeAll(async () => {
  installed = mkdtempSync(join(await installedProject(), 'docs-'))
})
afterAll(() => {
  project.remove()
  rmSync(installed, { recursive: true, force: true })
})

test('the examples compile', { timeout: 60_000 }, async () => {
  const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  const checked = promisify(execFile)(process.execPath, [tsc, '-p', project.checkFolder()])
  const { stdout } = await checked.catch((error: { stdout: string }) => error)
  expect(stdout).toBe('')
})

// All pages at the same time: one whose blocks wait for something must not keep the others waiting.
describe.concurrent.each(PAGES)('%s', { timeout: 45_000 }, (page) => {
  for (const block of BLOCKS.filter((one) => one.page === page)) {
    for (const backend of backendsFor(block)) {
      const where = backend ? `, ${backend.name}` : ''
      test(`line ${block.line} (${block.language}${where})`, () => runOn(backend, block))
    }
  }

  test('links lead somewhere', () => {
    expect(brokenLinks(page)).toEqual([])
  })
})

test.each(['CHANGELOG.md', 'SECURITY.md'])('%s: links lead somewhere', (page) => {
  expect(brokenLinks(page)).toEqual([])
})

/** The pages of `docs/`, without those that programs write into folders which git ignores. */
function writtenPages(): string[] {
  const ofOthers = /(^|\/)(node_modules|\.vitepress)\/|^docs\/reference\/api\//
  const pages = globSync('docs/**/*.md', { cwd: REPOSITORY, exclude: (path) => ofOthers.test(`${path}/`) })
  return pages.toSorted()
}

/**
 * Each server that the block is for; `undefined` when it needs none. On Postgres one version does, but for the README:
 * what differs between them, other tests look for.
 */
function backendsFor({ page, directives: { run } }: CodeBlock): (Backend | undefined)[] {
  if (run !== 'postgres' && run !== 'mysql') return [undefined]
  const ofFamily = BACKENDS.filter(({ family }) => family === run)
  return run === 'postgres' && page !== 'README.md' ? ofFamily.slice(0, 1) : ofFamily
}

async function runOn(backend: Backend | undefined, block: CodeBlock): Promise<void> {
  if (!backend) return await runOrCheck(block)
  const database = await createDatabase(backend)
  try {
    await runOrCheck(block, database.url)
  } finally {
    await database.drop()
  }
}

async function runOrCheck(block: CodeBlock, url?: string): Promise<void> {
  const env = url === undefined ? project.env : { ...project.env, DATABASE_URL: url }
  if (block.language === 'mermaid') return
  if (block.directives.example) return expectPieceOf(block.directives.example, block)
  if (block.language === 'sql') return await runSql(block, url)
  if (block.language === 'sh') return await checkShell(block, env)
  if (!isScript(block)) throw new Error(`${block.page}:${block.line}: nobody knows how to check "${block.language}"`)
  if (!block.directives.check) await runBlock(block, folderFor(block), env)
}

/** Every run has a folder of its own. The README must need nothing but the package; its named files need more. */
function folderFor(block: CodeBlock): string {
  const needsOnlyPackage = block.page === 'README.md' && !block.directives.file
  return needsOnlyPackage ? mkdtempSync(join(installed, `${block.line}-`)) : project.folderFor(block)
}

async function checkShell(block: CodeBlock, env: NodeJS.ProcessEnv): Promise<void> {
  const { scripts } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'))
  for (const [command, run, word] of block.code.matchAll(/\bnpm (?:(run) )?([\w:-]+)/g)) {
    if (run || word === 'test') expect(scripts, command).toHaveProperty([word!])
  }
  for (const [, path] of block.code.matchAll(/node_modules\/verrou-sql\/(\S+)/g)) {
    expect(existsSync(join(REPOSITORY, path!)), `${path} exists`).toBe(true)
  }
  if (block.directives.run) await runShell(block, project.folderFor(block), env)
}

/** The file is tested as a whole; the page must not show what it is not. */
function expectPieceOf(path: string, { code }: CodeBlock): void {
  expect(readFileSync(join(REPOSITORY, path), 'utf8')).toContain(code)
}

/** Links of a page to files of the repository that are not there. */
function brokenLinks(page: string): string[] {
  const text = readFileSync(join(REPOSITORY, page), 'utf8')
  const targets = [...text.matchAll(/\]\(([^)#\s]+)[^)]*\)/g)].map(([, target]) => target!)
  return targets.filter((target) => !/^https?:/.test(target) && !existsSync(join(REPOSITORY, dirname(page), target)))
}
