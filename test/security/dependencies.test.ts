import { existsSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { REPOSITORY } from '../../scripts/repository.ts'
import { installedProject } from '../support/packed-package.ts'
import { importsOf, readSourceFiles } from '../support/source-files.ts'

/** What npm runs when a package is installed: https://docs.npmjs.com/cli/v11/using-npm/scripts#life-cycle-scripts */
const INSTALL_SCRIPTS = ['preinstall', 'install', 'postinstall', 'prepublish', 'preprepare', 'prepare', 'postprepare']

interface Manifest {
  readonly dependencies?: Readonly<Record<string, string>>
  readonly optionalDependencies?: Readonly<Record<string, string>>
  readonly bundleDependencies?: unknown
  readonly scripts?: Readonly<Record<string, string>>
  readonly bin?: unknown
}

function manifestIn(folder: string): Manifest {
  return JSON.parse(readFileSync(join(folder, 'package.json'), 'utf8'))
}

test('the package as users get it runs nothing when it is installed, and brings `ms` and nothing else', {
  timeout: 120_000,
}, async () => {
  const project = await installedProject('0.29')
  const manifest = manifestIn(join(project, 'node_modules/verrou-sql'))
  expect(Object.keys(manifest.dependencies ?? {})).toEqual(['ms'])
  expect(manifest.optionalDependencies).toBeUndefined()
  expect(manifest.bundleDependencies).toBeUndefined()
  expect(existsSync(join(project, 'node_modules/verrou-sql/node_modules'))).toBe(false)
  expect(INSTALL_SCRIPTS.filter((script) => manifest.scripts?.[script])).toEqual([])
})

test.each(['ms', 'kysely'])('%s depends on nothing, and runs nothing when it is installed', (name) => {
  const { dependencies = {}, optionalDependencies, scripts = {} } = manifestIn(join(REPOSITORY, 'node_modules', name))
  expect(dependencies).toEqual({})
  expect(optionalDependencies).toBeUndefined()
  expect(['preinstall', 'install', 'postinstall'].filter((script) => scripts[script])).toEqual([])
})

test('the sources import nothing else, and of Node.js nothing that opens a socket, a file or a process', () => {
  const packages = readSourceFiles().flatMap((file) => importsOf(file).filter((one) => !one.endsWith('.ts')))
  // @verrou/core: what `verrou-sql/verrou` is for, and loads for its errors only.
  expect([...new Set(packages)].sort()).toEqual([
    '@verrou/core',
    'kysely',
    'kysely/migration',
    'ms',
    'node:crypto',
    'node:os',
  ])
})

test('nothing in the sources makes code of text', () => {
  const makers = readSourceFiles().filter(({ text }) =>
    /\beval\(|new Function\(|\bsetTimeout\(['"`]|node:vm/.test(text),
  )
  expect(makers.map(({ path }) => path)).toEqual([])
})
