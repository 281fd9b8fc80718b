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

/** Beside `ms`, what the command is made with; the library loads none of it. */
const OF_THE_COMMAND = [
  ...[
    '@bomb.sh/tab',
    'cli-progress',
    'cli-table3',
    'commander',
    'log-update',
    'picocolors',
    'slice-ansi',
    'string-width',
    'uplot',
  ],
]

const LIBRARY = readSourceFiles().filter(({ path }) => !path.startsWith('cli/'))

test('the package as users get it runs nothing when it is installed, and brings `ms` and what the command needs', {
  timeout: 120_000,
}, async () => {
  const project = await installedProject('0.29')
  const manifest = manifestIn(join(project, 'node_modules/verrou-sql'))
  expect(Object.keys(manifest.dependencies ?? {}).sort()).toEqual([...OF_THE_COMMAND, 'ms'].sort())
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

test('none of what the command needs runs anything when it is installed', () => {
  const scripts = OF_THE_COMMAND.flatMap((name) => {
    const { scripts = {} } = manifestIn(join(REPOSITORY, 'node_modules', name))
    return ['preinstall', 'install', 'postinstall'].filter((script) => scripts[script]).map((script) => [name, script])
  })
  expect(scripts).toEqual([])
})

test('the library imports nothing else, and of Node.js nothing that opens a socket, a file or a process', () => {
  const packages = LIBRARY.flatMap((file) => importsOf(file).filter((one) => !one.endsWith('.ts')))
  expect([...new Set(packages)].sort()).toEqual([
    ...['@opentelemetry/api', '@verrou/core', 'kysely', 'kysely/migration', 'ms'],
    ...['node:crypto', 'node:diagnostics_channel', 'node:os'],
  ])
})

test('nothing in the sources makes code of text', () => {
  const makers = readSourceFiles().filter(({ text }) =>
    /\beval\(|new Function\(|\bsetTimeout\(['"`]|node:vm/.test(text),
  )
  expect(makers.map(({ path }) => path)).toEqual([])
})
