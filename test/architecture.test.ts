import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import ts from 'typescript-5'
import { describe, expect, test } from 'vitest'
import { REPOSITORY } from '../scripts/repository.ts'
import { codeLinesOf, importsOf, nodesIn, readSourceFiles, type SourceFile } from './support/source-files.ts'

const FILES = readSourceFiles()

/** All but the command `verrou`, which is a program: it prints, looks at its process, and has libraries for arguments and tables. */
const LIBRARY = FILES.filter(({ path }) => folderOf(path) !== 'cli')

/**
 * Which folder may import what: whole folders, or single files of them. A folder may always import its own files and
 * the leaf files. Top to bottom is the path of a call; no arrow points back up.
 */
const MAY_IMPORT: Readonly<Record<string, readonly string[]>> = {
  locks: ['engine', 'store/lock-store.ts', 'store/wake-source.ts'],
  engine: ['store/lock-store.ts'],
  store: ['dialects', 'executors'],
  dialects: [],
  executors: [],
  // Beside the path: what creates the table, and the entry points that join words and sender to a store.
  schema: ['dialects', 'executors', 'engine/backoff.ts', '../migrations'],
  drivers: ['store', 'dialects', 'executors', 'schema/create-lock-table.ts'],
  // Above the path: looks on through the same events as everybody else.
  telemetry: ['locks'],
  // The callers' transactions: each a sender of its own, that knows nothing of us but the shape it has.
  adapters: [],
  // A store behind the shape of another library's: it holds locks as any caller does.
  verrou: ['locks', 'store/lock-store.ts'],
  // The command stands above the library: nothing imports it.
  cli: ['index.ts', 'locks', 'store', 'drivers', 'schema', 'dialects', 'executors'],
}

/** What single files may import beyond that. */
const EXCEPTIONS: Readonly<Record<string, readonly string[]>> = {
  'index.ts': ['locks', 'store/lock-store.ts', 'store/wake-source.ts'],
  // The real clock has the shape that the engine asks for.
  'system-clock.ts': ['engine/clock.ts'],
}

/** The packages that the library may use: everything else of a database is a structural type. */
const PACKAGES = ['kysely', 'kysely/migration', 'ms', 'node:crypto', 'node:diagnostics_channel', 'node:os']

/** What single folders may use beside them. */
const PACKAGES_OF: Readonly<Record<string, readonly string[]>> = {
  telemetry: ['@opentelemetry/api'],
  verrou: ['@verrou/core'],
}

/** Libraries that the main entry must not load. */
const CLI_PACKAGES = [
  'commander',
  '@bomb.sh/tab/commander',
  'cli-table3',
  'picocolors',
  'log-update',
  'slice-ansi',
  'cli-progress',
]

/** Time, chance and the process reach the engine through `Timing`, so that tests decide about them. */
const UNKNOWN_TO_THE_ENGINE = [
  ...['Date', 'performance', 'process', 'console', 'globalThis', 'crypto'],
  ...['setTimeout', 'setInterval', 'setImmediate', 'Math.random'],
]

/** Who may look at the process, and at what of it. */
const PROCESS_USES = [
  // In production leaks are not looked for.
  'locks/factory-parts.ts: process.env',
  'locks/factory-parts.ts: process.pid',
  // Mistakes in the code around the library, if there is no logger.
  'locks/warn.ts: process.emitWarning',
  'node-version.ts: globalThis.process',
  'store/batcher.ts: process.nextTick',
]

/** What drivers share, and what adapters share, is no entry point. */
const SHARED = ['drivers/sql-store-of.ts', 'adapters/placeholders.ts', 'adapters/mysql2-reply.ts']

const ENTRY_POINTS = [
  'index.ts',
  ...FILES.map(({ path }) => path).filter(isOfItsOwn),
  'schema/migrations.ts',
  'telemetry/otel.ts',
]

const MOST_FILE_LINES = 250
const MOST_ADAPTER_LINES = 60
const MOST_FUNCTION_LINES = 60

describe('imports', () => {
  test('follow the path of a call', () => {
    const wrong = arrows().filter(([from, to]) => isOwnFile(to) && !mayImport(from, to))
    expect(wrong.map(([from, to]) => `${from} -> ${to}`)).toEqual([])
  })

  test('never go round in a circle', () => {
    expect(circles()).toEqual([])
  })

  test('name no package beside Kysely, ms and Node.js itself', () => {
    const wrong = arrows().filter(([from, to]) => folderOf(from) !== 'cli' && !isOwnFile(to) && !mayUse(from, to))
    expect(wrong.map(([from, to]) => `${from} -> ${to}`)).toEqual([])
  })

  test('of Kysely stay where words are made and sent', () => {
    const users = arrows().filter(([, to]) => to.startsWith('kysely'))
    const folders = new Set(users.map(([from]) => folderOf(from)))
    expect([...folders].sort()).toEqual(['cli', 'dialects', 'drivers', 'executors', 'schema'])
  })

  test('of a command-line library are those of the command only', () => {
    const users = arrows().filter(([, to]) => CLI_PACKAGES.includes(to))
    expect([...new Set(users.map(([from]) => folderOf(from)))]).toEqual(['cli'])
  })
})

describe('the engine', () => {
  test('never sees a clock, chance or the process', () => {
    expect(usesOf(UNKNOWN_TO_THE_ENGINE, inFolder('engine'))).toEqual([])
  })

  test('of the layers below sees only the seam', () => {
    const seen = arrows().filter(
      ([from, to]) => folderOf(from) === 'engine' && isOwnFile(to) && folderOf(to) !== 'engine',
    )
    const layers = new Set(seen.map(([, to]) => to).filter((to) => folderOf(to) !== '.'))
    expect([...layers]).toEqual(['store/lock-store.ts'])
  })
})

describe('the library', () => {
  test('never looks at the time of day', () => {
    // There, what the database says of its clock becomes a Date, for people.
    const others = LIBRARY.filter(({ path }) => path !== 'locks/lock-info.ts')
    expect(usesOf(['Date'], others)).toEqual([])
    expect(usesOf(['Date.now'], LIBRARY)).toEqual([])
  })

  test('prints nothing', () => {
    expect(usesOf(['console'], LIBRARY)).toEqual([])
  })

  test('of the process takes what is listed here only', () => {
    const members = LIBRARY.flatMap(({ path, syntax }) => processMembersIn(syntax).map((use) => `${path}: ${use}`))
    expect([...new Set(members)].sort()).toEqual([...PROCESS_USES].sort())
  })

  test('keeps no state in its modules', () => {
    expect(LIBRARY.flatMap(moduleStateOf)).toEqual([])
  })
})

describe('files and functions', () => {
  test(`have at most ${MOST_FILE_LINES} lines of code per file, adapters ${MOST_ADAPTER_LINES}`, () => {
    const long = FILES.map(({ path, syntax }) => [path, codeLinesOf(syntax)] as const).filter(
      ([path, lines]) => lines > (folderOf(path) === 'adapters' ? MOST_ADAPTER_LINES : MOST_FILE_LINES),
    )
    expect(long).toEqual([])
  })

  test(`have at most ${MOST_FUNCTION_LINES} lines of code per function, whole SQL statements aside`, () => {
    const files = FILES.filter(({ path }) => !basename(path).endsWith('statements.ts'))
    expect(files.flatMap(longFunctionsIn)).toEqual([])
  })

  test('are named for what they hold', () => {
    const vague = FILES.filter(({ path }) =>
      /^(utils?|helpers?|types?|interfaces|lib|common|misc|shared)\.ts$/.test(basename(path)),
    )
    expect(vague.map(({ path }) => path)).toEqual([])
  })
})

describe('importing an entry point', () => {
  test.each(ENTRY_POINTS)('%s opens nothing, prints nothing and starts no timer', (path) => {
    const file = join(REPOSITORY, 'src', path)
    const script = `
      const before = process.getActiveResourcesInfo().length
      await import(${JSON.stringify(file)})
      await new Promise((resolve) => setImmediate(resolve))
      const opened = process.getActiveResourcesInfo().slice(before)
      if (opened.length > 0) throw new Error('opened ' + opened.join(', '))`
    const output = execFileSync(process.execPath, ['--input-type=module', '--eval', `${script}`], {
      encoding: 'utf8',
      stdio: 'pipe',
    })
    expect(output).toBe('')
  })

  test('covers every entry point of package.json', () => {
    const { exports } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as PackageJson
    const targets = Object.values(exports).map((target) => (typeof target === 'string' ? target : target.default))
    const sources = targets
      .filter((target) => target.endsWith('.js'))
      .map((target) => target.replace(/^\.\/dist\/src\/(.*)\.js$/, '$1.ts'))
    expect(sources.sort()).toEqual([...ENTRY_POINTS].sort())
  })
})

interface PackageJson {
  exports: Record<string, string | { default: string }>
}

function isOfItsOwn(path: string): boolean {
  return ['drivers', 'adapters', 'verrou'].includes(folderOf(path)) && !SHARED.includes(path)
}

/** Every import of the library: who, and what. */
function arrows(): [from: string, to: string][] {
  return FILES.flatMap((file) => importsOf(file).map((to): [string, string] => [file.path, to]))
}

function mayUse(from: string, name: string): boolean {
  return [...PACKAGES, ...(PACKAGES_OF[folderOf(from)] ?? [])].includes(name)
}

function isOwnFile(path: string): boolean {
  return path.endsWith('.ts')
}

function folderOf(path: string): string {
  return path.includes('/') ? path.slice(0, path.indexOf('/')) : '.'
}

function mayImport(from: string, to: string): boolean {
  const folder = folderOf(from)
  if (folder !== '.' && folder === folderOf(to)) return folder !== 'dialects' || isSameDatabase(from, to)
  if (isLeaf(to)) return true
  const allowed = [...(MAY_IMPORT[folder] ?? []), ...(EXCEPTIONS[from] ?? [])]
  return allowed.some((one) => to === one || to.startsWith(`${one}/`))
}

/** `dialects/mysql` knows nothing of `dialects/postgres`. */
function isSameDatabase(from: string, to: string): boolean {
  const [a, b] = [dirname(from), dirname(to)]
  return a === b || !(a.includes('/') && b.includes('/'))
}

/** The files at the top of `src`: anybody may use them, and they use nobody but each other. */
function isLeaf(path: string): boolean {
  return !path.includes('/') && path !== 'index.ts'
}

function inFolder(folder: string): SourceFile[] {
  return FILES.filter(({ path }) => folderOf(path) === folder)
}

/** The first circle through each file that is on one. */
function circles(): string[] {
  const targets = new Map(FILES.map((file) => [file.path, importsOf(file).filter(isOwnFile)]))
  const found = new Set<string>()
  const done = new Set<string>()
  const walk = (path: string, trail: readonly string[]) => {
    const at = trail.indexOf(path)
    if (at >= 0) return void found.add([...trail.slice(at), path].join(' -> '))
    if (done.has(path)) return
    for (const target of targets.get(path) ?? []) walk(target, [...trail, path])
    done.add(path)
  }
  for (const path of targets.keys()) walk(path, [])
  return [...found]
}

/** Where the code (not its comments) uses one of the global names, as `file: name`. */
function usesOf(names: readonly string[], files: readonly SourceFile[]): string[] {
  return files.flatMap(({ path, syntax }) =>
    [...nodesIn(syntax)]
      .filter((node) => ts.isIdentifier(node) || ts.isPropertyAccessExpression(node))
      .map((node) => node.getText())
      .filter((text) => names.includes(text))
      .map((text) => `${path}: ${text}`),
  )
}

/** `process.pid`, `globalThis.process`: each use of the process with what is taken from it. */
function processMembersIn(syntax: ts.SourceFile): string[] {
  return [...nodesIn(syntax)]
    .filter((node): node is ts.Identifier => ts.isIdentifier(node) && node.text === 'process')
    .map(({ parent }) => parent.getText())
}

/** Variables of a module that change: `let`, and constants whose content is changed by anybody in the file. */
function moduleStateOf({ path, syntax }: SourceFile): string[] {
  const declared = syntax.statements.filter(ts.isVariableStatement).map(({ declarationList }) => declarationList)
  const changing = declared.filter(({ flags }) => !(flags & ts.NodeFlags.Const)).map((list) => list.getText())
  const constants = declared.flatMap(({ declarations }) => declarations.map(({ name }) => name.getText()))
  const changes = [...nodesIn(syntax)]
    .map(changedNameOf)
    .filter((name) => name !== undefined && constants.includes(name))
  return [...changing, ...changes].map((what) => `${path}: ${what}`)
}

const MUTATORS = new Set([
  'add',
  'set',
  'delete',
  'clear',
  'push',
  'pop',
  'shift',
  'unshift',
  'splice',
  'sort',
  'reverse',
])

/** The name of what the node changes: `NAME.push(…)`, `NAME.x = …`, `NAME[x] = …`. */
function changedNameOf(node: ts.Node): string | undefined {
  if (ts.isCallExpression(node) && ts.isPropertyAccessExpression(node.expression)) {
    const { expression, name } = node.expression
    return MUTATORS.has(name.text) ? expression.getText() : undefined
  }
  const isAssignment =
    ts.isBinaryExpression(node) &&
    node.operatorToken.kind >= ts.SyntaxKind.FirstAssignment &&
    node.operatorToken.kind <= ts.SyntaxKind.LastAssignment
  if (!isAssignment) return undefined
  const { left } = node
  return ts.isPropertyAccessExpression(left) || ts.isElementAccessExpression(left)
    ? left.expression.getText()
    : undefined
}

function longFunctionsIn({ path, syntax }: SourceFile): string[] {
  return [...nodesIn(syntax)]
    .filter(ts.isFunctionLike)
    .map((node) => ({ name: node.name?.getText() ?? 'a function', lines: codeLinesOf(node) }))
    .filter(({ lines }) => lines > MOST_FUNCTION_LINES)
    .map(({ name, lines }) => `${path}: ${name} has ${lines} lines`)
}
