import { execFile } from 'node:child_process'
import { createHash } from 'node:crypto'
import {
  cpSync,
  existsSync,
  globSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  renameSync,
  rmSync,
  statSync,
  writeFileSync,
} from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { REPOSITORY } from '../../scripts/repository.ts'
import { onlyOneProcess } from './only-one-process.ts'

const run = promisify(execFile)

/** The package as `npm publish` would upload it. */
export interface PackedPackage {
  readonly tarball: string
  /** The paths in it, in order. */
  readonly files: readonly string[]
}

/** The versions of Kysely that are supported: the present one, and the oldest. */
export type KyselyVersion = '0.29' | '0.28'

/** What the package is made of; when none of it has changed, what was built before is used again. */
const INPUTS = [
  'package.json',
  'tsconfig.json',
  'tsconfig.build.json',
  'README.md',
  'LICENSE',
  'CHANGELOG.md',
  'src',
  'migrations',
  'sql',
  'ui',
]

/** Beside the package itself: what its users have installed, in the versions that the tests of this repository use. */
const PEERS = ['better-sqlite3', 'mysql2', 'pg', '@types/better-sqlite3', '@types/node', '@types/pg']

/** Builds and packs the package, from a copy: the `dist` of the repository is left alone. */
export function packedPackage(): Promise<PackedPackage> {
  return madeOnce(`pack-${inputsHash()}`, pack)
}

/**
 * A folder with the packed package installed from the registry's and our own tarballs, as a user would have it, with
 * `better-sqlite3`, `pg`, `mysql2` and their types. All tests share it: write into a subfolder of your own.
 */
export async function installedProject(kysely: KyselyVersion = '0.29'): Promise<string> {
  const { tarball } = await packedPackage()
  return (await madeOnce(`project-${kysely}-${inputsHash()}`, (folder) => install(folder, tarball, kysely))).folder
}

async function pack(folder: string): Promise<PackedPackage> {
  const copy = join(folder, 'copy')
  for (const input of INPUTS.filter((path) => existsSync(join(REPOSITORY, path)))) {
    cpSync(join(REPOSITORY, input), join(copy, input), { recursive: true })
  }
  const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  await run(process.execPath, [tsc, '-p', 'tsconfig.build.json', '--outDir', join(copy, 'dist')], { cwd: REPOSITORY })
  const { stdout } = await npm(copy, ['pack', '--json', '--ignore-scripts', '--pack-destination', folder])
  const [packed] = JSON.parse(stdout) as [{ filename: string; files: { path: string }[] }]
  return { tarball: packed.filename, files: packed.files.map(({ path }) => path).sort() }
}

async function install(folder: string, tarball: string, kysely: KyselyVersion): Promise<object> {
  const manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'))
  const versions: Record<string, string> = manifest.devDependencies
  const dependencies = {
    ...Object.fromEntries(PEERS.map((name) => [name, versions[name]])),
    kysely: kysely === '0.29' ? versions.kysely : versions['kysely-028']?.replace('npm:kysely@', ''),
    [manifest.name]: `file:${tarball}`,
  }
  writeFileSync(join(folder, 'package.json'), JSON.stringify({ private: true, type: 'module', dependencies }))
  await npm(folder, [
    'install',
    '--prefer-offline',
    '--no-audit',
    '--no-fund',
    '--no-package-lock',
    '--ignore-scripts',
    '--loglevel=error',
  ])
  return {}
}

function npm(folder: string, args: readonly string[]) {
  // `npm test` tells its children which project they belong to; these belong to another one.
  const { npm_config_local_prefix, npm_config_prefix, ...env } = process.env
  return run('npm', [...args], { cwd: folder, env, maxBuffer: 2 ** 24 })
}

/** Outside of the repository, so that nothing is found that a user would not have. */
const CACHE = join(tmpdir(), `verrou-sql-package-${process.getuid?.() ?? 'user'}`)

/** Makes the folder of that name, unless it is there already, and whoever else wants it waits. */
async function madeOnce<Made extends object>(
  name: string,
  make: (folder: string) => Promise<Made>,
): Promise<Made & { folder: string }> {
  mkdirSync(CACHE, { recursive: true, mode: 0o700 })
  const folder = join(CACHE, name)
  const note = join(folder, 'made.json')
  await onlyOneProcess(`${folder}.lock`, async () => {
    if (existsSync(note)) return
    removeOld()
    const unfinished = mkdtempSync(join(CACHE, 'unfinished-'))
    const made = await make(unfinished)
    writeFileSync(join(unfinished, 'made.json'), JSON.stringify(made))
    rmSync(folder, { recursive: true, force: true })
    renameSync(unfinished, folder)
  })
  const made: Made & { tarball?: string } = JSON.parse(readFileSync(note, 'utf8'))
  return { ...made, ...(made.tarball && { tarball: join(folder, made.tarball) }), folder }
}

const OLD_MS = 3_600_000

function removeOld(): void {
  for (const name of globSync('*', { cwd: CACHE })) {
    const path = join(CACHE, name)
    if (Date.now() - statSync(path).mtimeMs > OLD_MS) rmSync(path, { recursive: true, force: true })
  }
}

function inputsHash(): string {
  const hash = createHash('sha256').update(REPOSITORY)
  const paths = INPUTS.flatMap((input) => [input, ...globSync(`${input}/**/*`, { cwd: REPOSITORY }).sort()])
  for (const path of paths) {
    const file = join(REPOSITORY, path)
    if (existsSync(file) && statSync(file).isFile()) hash.update(`\0${path}\0`).update(readFileSync(file))
  }
  return hash.digest('hex').slice(0, 16)
}
