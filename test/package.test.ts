import { execFile, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { copyFileSync, existsSync, globSync, mkdirSync, mkdtempSync, readFileSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { gzipSync } from 'node:zlib'
import { build } from 'esbuild'
import { publint } from 'publint'
import { formatMessage } from 'publint/utils'
import { beforeAll, describe, expect, onTestFinished, test, vi } from 'vitest'
import { readPublicSurface } from '../scripts/public-surface.ts'
import { REPOSITORY } from '../scripts/repository.ts'
import { installedProject, type KyselyVersion, packedPackage } from './support/packed-package.ts'

const run = promisify(execFile)

// Compilers and npm, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000 })

const KYSELY_VERSIONS: readonly KyselyVersion[] = ['0.29', '0.28']
const ENTRY_POINTS = readPublicSurface().entryPoints.map(({ specifier }) => specifier)

/**
 * What a server or an edge function pays for `import 'verrou-sql'`, compressed. Events, the logger and the leak warnings are 2.6 kB of it: what is told is told
 * where it happens; `list`, `inspect` and `prune` 0.8. OpenTelemetry is not in it, nor is the command.
 */
const MOST_BYTES = 23_300

const projects = {} as Record<KyselyVersion, string>

beforeAll(async () => {
  await packedPackage()
  await Promise.all(KYSELY_VERSIONS.map(async (version) => (projects[version] = await installedProject(version))))
})

describe('the package', () => {
  test('contains the build of src and migrations, the SQL, the page of `verrou ui`, and the usual papers; nothing else', async () => {
    const sources = globSync('{src,migrations}/**/*.ts', { cwd: REPOSITORY })
    const built = sources.flatMap((path) => ['.js', '.d.ts'].map((ending) => `dist/${path.replace(/\.ts$/, ending)}`))
    const words = globSync('sql/*/*.sql', { cwd: REPOSITORY })
    const page = globSync('ui/*.{css,html,js,svg}', { cwd: REPOSITORY })
    const papers = ['CHANGELOG.md', 'LICENSE', 'README.md', 'package.json']
    expect((await packedPackage()).files).toEqual([...papers, ...built, ...words, ...page].sort())
  })

  test('is well formed, says publint', async () => {
    const tarball = readFileSync((await packedPackage()).tarball)
    const { messages, pkg } = await publint({ pack: { tarball: new Uint8Array(tarball).buffer }, strict: true })
    expect(messages.map((message) => formatMessage(message, pkg))).toEqual([])
  })

  test('has types that every resolution of ES modules finds, says attw', async () => {
    const attw = join(REPOSITORY, 'node_modules/@arethetypeswrong/cli/dist/index.js')
    const { tarball } = await packedPackage()
    // It exits with 1 when something is wrong.
    await run(process.execPath, [attw, '--profile', 'esm-only', '--no-emoji', '--format', 'ascii', tarball])
  })

  test(`costs an importer at most ${MOST_BYTES} bytes`, async () => {
    const { outputFiles } = await build({
      stdin: { contents: `export * from 'verrou-sql'`, resolveDir: projects['0.29'] },
      bundle: true,
      minify: true,
      write: false,
      format: 'esm',
      platform: 'node',
      external: ['kysely'],
    })
    expect(gzipSync(outputFiles[0]!.contents).length).toBeLessThanOrEqual(MOST_BYTES)
    expect(outputFiles[0]!.text).not.toMatch(/opentelemetry/i)
  })
})

describe.each(KYSELY_VERSIONS)('installed beside Kysely %s', (version) => {
  test('works on memory, better-sqlite3 and Kysely', async () => {
    const file = join(projects[version], 'smoke.mjs')
    copyFileSync(join(REPOSITORY, 'test/package/smoke.mjs'), file)
    expect(await outputOf(process.execPath, version, [file])).toBe('ok\n')
  })

  test('has the command, which needs nothing but better-sqlite3', async () => {
    const folder = mkdtempSync(join(projects[version], 'cli-'))
    const { npm_config_local_prefix, npm_config_prefix, DATABASE_URL, ...env } = process.env
    const npx = (...args: string[]) => run('npx', ['--no-install', 'verrou', ...args], { cwd: folder, env })
    expect(await npx('run', 'hello', '--', 'echo', 'hi')).toEqual({
      stdout: 'hi\n',
      stderr: expect.stringMatching(/^verrou: using a new file, \.\/verrou\.db/),
    })
    const { stdout } = await npx('inspect', 'hello', '--json')
    expect(JSON.parse(stdout)).toMatchObject({ key: 'hello', isHeld: false })
  })

  test('the command finds its worker processes', async () => {
    const main = 'node_modules/verrou-sql/dist/src/cli/main.js'
    const given = [main, 'bench', '--seconds', '1', '--json', '--url', 'bench.db']
    writeFileSync(join(projects[version], 'bench.db'), '')
    const { handOver } = JSON.parse(await outputOf(process.execPath, version, given))
    expect(handOver.count).toBeGreaterThan(0)
  })

  test('has the page of `verrou ui`, with all its files', async () => {
    const folder = mkdtempSync(join(projects[version], 'ui-'))
    const main = join(projects[version], 'node_modules/verrou-sql/dist/src/cli/main.js')
    const { DATABASE_URL, ...env } = process.env
    const ui = spawn(process.execPath, [main, 'ui', '--json'], {
      cwd: folder,
      env,
      stdio: ['ignore', 'pipe', 'ignore'],
    })
    onTestFinished(() => void ui.kill())
    const [line] = (await once(ui.stdout, 'data')) as [Buffer]
    const { url } = JSON.parse(line.toString()) as { url: string }
    const { headers } = await fetch(url)
    const cookie = headers.get('set-cookie')?.split(';')[0] ?? ''
    const sent = async (path: string) => (await fetch(new URL(path, url), { headers: { cookie } })).text()
    const page = await sent('/')
    const files = [...page.matchAll(/(?:src|href)="(\/[^"]+)"/g)].map(([, path]) => path ?? '')
    expect(files).toContain('/uplot.css')
    for (const path of [...files, '/uplot.js']) expect((await sent(path)).length).toBeGreaterThan(200)
  })

  test.each(ENTRY_POINTS)('%s can be required from CommonJS', async (specifier) => {
    const script = `if (Object.keys(require('${specifier}')).length === 0) throw new Error('exports nothing')`
    expect(await outputOf(process.execPath, version, ['--input-type=commonjs', '--eval', script])).toBe('')
  })

  test.each(ENTRY_POINTS)('importing %s opens nothing, prints nothing and starts no timer', async (specifier) => {
    const script = `
      const before = process.getActiveResourcesInfo().length
      await import('${specifier}')
      await new Promise((resolve) => setImmediate(resolve))
      const opened = process.getActiveResourcesInfo().slice(before)
      if (opened.length > 0) throw new Error('opened ' + opened.join(', '))`
    expect(await outputOf(process.execPath, version, ['--input-type=module', '--eval', script])).toBe('')
  })
})

describe('a TypeScript file of a user compiles', () => {
  test.each<[compiler: string, kysely: KyselyVersion, isExact: boolean]>([
    ['typescript', '0.29', true],
    ['typescript', '0.29', false],
    ['typescript', '0.28', true],
    ['typescript-5', '0.29', true],
    ['typescript-5', '0.29', false],
  ])('with %s, Kysely %s and exactOptionalPropertyTypes %s', async (compiler, kysely, isExact) => {
    const folder = typesFolder(kysely, compiler, isExact)
    const tsc = join(REPOSITORY, 'node_modules', compiler, 'bin/tsc')
    const { stdout } = await run(process.execPath, [tsc, '-p', folder]).catch((error) => error)
    expect(stdout).toBe('')
  })
})

describe('on a Node.js that is too old', () => {
  const old = oldNode()
  if (!old) return test.skip('NOT RUN: there is no Node.js older than 22 in PATH')

  test('the command says so in one line', async () => {
    const main = join(projects['0.29'], 'node_modules/verrou-sql/dist/src/cli/main.js')
    const failed = await run(old.program, [main, 'ls']).catch((error: { code: number; stderr: string }) => error)
    const says = `verrou: needs Node.js 22.12 or newer; this is Node.js ${old.version}\n`
    expect(failed).toMatchObject({ code: 69, stderr: says })
  })

  test.each(ENTRY_POINTS)('importing %s says so in one line', async (specifier) => {
    const importing = run(old.program, ['--input-type=module', '--eval', `import '${specifier}'`], {
      cwd: projects['0.29'],
    })
    const error = await importing.then(
      () => expect.fail('it works'),
      (failed: { stderr: string }) => failed.stderr.split('\n').filter((line) => /Error/.test(line)),
    )
    expect(error).toEqual([
      expect.stringMatching(`verrou-sql needs Node\\.js 22 or newer; this is Node\\.js ${old.version}`),
    ])
  })
})

/** What a program prints, on either stream. */
async function outputOf(program: string, version: KyselyVersion, args: readonly string[]): Promise<string> {
  const { stdout, stderr } = await run(program, [...args], { cwd: projects[version] })
  return stdout + stderr
}

function typesFolder(kysely: KyselyVersion, compiler: string, isExact: boolean): string {
  const folder = join(projects[kysely], `types-${compiler}-${isExact ? 'exact' : 'loose'}`)
  const text = readFileSync(join(REPOSITORY, 'test/package/types.ts.txt'), 'utf8')
  mkdirSync(folder, { recursive: true })
  writeFileSync(
    join(folder, 'types.ts'),
    text.replace('KYSELY_MIGRATION', kysely === '0.29' ? 'kysely/migration' : 'kysely'),
  )
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(tsconfig(isExact)))
  return folder
}

function tsconfig(isExact: boolean): object {
  const compilerOptions = {
    target: 'es2022',
    module: 'nodenext',
    types: ['node'],
    noEmit: true,
    strict: true,
    skipLibCheck: false,
    exactOptionalPropertyTypes: isExact,
  }
  return { compilerOptions, files: ['types.ts'] }
}

/** The machine's own Node.js, where that is an old one: the repository pins another. */
function oldNode(): { program: string; version: string } | undefined {
  const programs = (process.env.PATH ?? '').split(delimiter).map((folder) => join(folder, 'node'))
  for (const program of programs.filter((path) => existsSync(path))) {
    const version = execFileSync(program, ['--version'], { encoding: 'utf8' }).trim()
    if (Number.parseInt(version.slice(1), 10) < 22) return { program, version: version.slice(1) }
  }
  return undefined
}
