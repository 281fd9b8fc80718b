import { cpSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { REPOSITORY } from '../../scripts/repository.ts'
import { type CodeBlock, fileNameOf } from './code-blocks.ts'

/** A folder where the examples live as a reader's project would: `verrou-sql` is the sources of this repository. */
export interface DocsProject {
  /** A folder with the named files of the block's page, and stand-ins for the reader's own work. */
  folderFor(block: CodeBlock): string
  /** A folder for the type checker with all blocks of all pages, in a subfolder for each page. */
  checkFolder(): string
  /** Variables for the examples' processes: compiled once, the sources cost each of them half as much. */
  readonly env: NodeJS.ProcessEnv
  remove(): void
}

export function createDocsProject(blocks: readonly CodeBlock[]): DocsProject {
  const root = mkdtempSync(join(tmpdir(), 'verrou-docs-'))
  writeFileSync(join(root, 'package.json'), JSON.stringify({ type: 'module' }))
  linkPackages(join(root, 'node_modules'))
  const scripts = blocks.filter(isScript)
  return {
    folderFor(block) {
      mkdirSync(join(root, pageSlug(block.page)), { recursive: true })
      const folder = mkdtempSync(join(root, pageSlug(block.page), `${block.line}-`))
      writeScripts(
        folder,
        scripts.filter(({ page, directives }) => page === block.page && directives.file),
      )
      return folder
    },
    checkFolder() {
      const folder = join(root, 'check')
      for (const block of scripts) writeScripts(join(folder, pageSlug(block.page)), [block])
      writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify(TSCONFIG))
      return folder
    },
    env: { NODE_COMPILE_CACHE: join(root, 'compile-cache') },
    remove: () => rmSync(root, { recursive: true, force: true }),
  }
}

/** Whether Node.js can run the block as it stands there. */
export function isScript({ language, directives }: CodeBlock): boolean {
  return (language === 'ts' || language === 'js') && !directives.example
}

/** `docs/usage.md` as a folder name. */
export function pageSlug(page: string): string {
  return page.replaceAll('/', '-').replace(/\.md$/, '')
}

function writeScripts(folder: string, scripts: readonly CodeBlock[]): void {
  cpSync(join(REPOSITORY, 'test/support/docs-app'), folder, { recursive: true })
  for (const script of scripts) writeFileSync(join(folder, fileNameOf(script)), script.code)
}

/** The settings of the repository; examples may declare what they do not use. */
const TSCONFIG = {
  extends: join(REPOSITORY, 'tsconfig.json'),
  compilerOptions: {
    moduleDetection: 'force',
    noUnusedLocals: false,
    noUnusedParameters: false,
    typeRoots: [join(REPOSITORY, 'node_modules/@types')],
  },
  include: ['**/*.ts'],
}

interface Manifest {
  readonly exports: Readonly<Record<string, unknown>>
  readonly dependencies: object
  readonly devDependencies: object
}

function linkPackages(nodeModules: string): void {
  const manifest: Manifest = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8'))
  const own = join(nodeModules, 'verrou-sql')
  mkdirSync(own, { recursive: true })
  for (const folder of ['src', 'migrations']) symlinkSync(join(REPOSITORY, folder), join(own, folder))
  writeFileSync(
    join(own, 'package.json'),
    JSON.stringify({ name: 'verrou-sql', type: 'module', exports: sourceExports(manifest) }),
  )

  linkCommands(join(nodeModules, '.bin'))
  for (const name of ['@types', ...Object.keys({ ...manifest.dependencies, ...manifest.devDependencies })]) {
    const link = join(nodeModules, name)
    mkdirSync(dirname(link), { recursive: true })
    if (!name.startsWith('@types/')) symlinkSync(join(REPOSITORY, 'node_modules', name), link)
  }
}

/** What `npx` finds: `verrou` is ours, as it stands here. */
function linkCommands(bin: string): void {
  mkdirSync(bin)
  const installed = join(REPOSITORY, 'node_modules/.bin')
  for (const name of readdirSync(installed)) symlinkSync(join(installed, name), join(bin, name))
  const ours = `#!/bin/sh\nexec node '${join(REPOSITORY, 'src/cli/main.ts')}' "$@"\n`
  writeFileSync(join(bin, 'verrou'), ours, { mode: 0o755 })
}

/** The published entry points, each with the source that it is built from. */
function sourceExports({ exports }: Manifest): object {
  const built = Object.entries(exports).filter(([, target]) => typeof target === 'object')
  return Object.fromEntries(
    built.map(([entry, target]) => {
      const { default: file } = target as { default: string }
      return [entry, file.replace('./dist/', './').replace(/\.js$/, '.ts')]
    }),
  )
}
