import { globSync, readdirSync, readFileSync, statSync } from 'node:fs'
import { basename, dirname, extname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'

/** Of the repository. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

const PAGES = [
  ...globSync('docs/**/*.md', { cwd: ROOT, exclude: isGenerated }),
  'README.md',
  'CONTRIBUTING.md',
  'CHANGELOG.md',
  'SECURITY.md',
]

/** A page for each file and folder outside of `docs/` that a page links to. */
export default {
  watch: ['../**/*.md'],
  paths: () => LINKED.map((file) => ({ params: { file: paramOf(file) }, content: contentOf(file) })),
}

const LINKED: readonly string[] = linkedFiles()

function isGenerated(path: string): boolean {
  return /node_modules|\.vitepress|reference\/api/.test(path)
}

function linkedFiles(): string[] {
  const linked = PAGES.flatMap((page) => {
    const text = readFileSync(join(ROOT, page), 'utf8')
    const targets = [...text.matchAll(/\]\(([^)#\s]+)/g)].map(([, target]) => target!)
    const files = targets.filter((target) => !/^(\w+:|\/)/.test(target))
    return files.map((target) => relative(ROOT, join(ROOT, dirname(page), target)))
  })
  return [...new Set(linked.filter(isSource))].toSorted()
}

function isSource(file: string): boolean {
  const isThere = statSync(join(ROOT, file), { throwIfNoEntry: false }) !== undefined
  return isThere && !file.startsWith('docs/') && extname(file) !== '.md' && file !== ''
}

function isFolder(file: string): boolean {
  return statSync(join(ROOT, file)).isDirectory()
}

function filesOf(folder: string): string[] {
  return readdirSync(join(ROOT, folder), { withFileTypes: true }).map(({ name }) => join(folder, name))
}

function paramOf(file: string): string {
  return isFolder(file) ? join(file, 'index') : file
}

function contentOf(file: string): string {
  return isFolder(file) ? `# ${file}/\n\n${filesOf(file).map(listed).join('\n')}\n` : codeOf(file)
}

function listed(file: string): string {
  return LINKED.includes(file) ? `- [${basename(file)}](/source/${paramOf(file)}.html)` : `- ${basename(file)}`
}

function codeOf(file: string): string {
  const language = extname(file).slice(1) || 'sh'
  return `# ${file}\n\n\`\`\`\`${language}\n${readFileSync(join(ROOT, file), 'utf8')}\n\`\`\`\`\n`
}
