import { existsSync, statSync } from 'node:fs'
import { dirname, join, relative } from 'node:path'
import { fileURLToPath } from 'node:url'
import type { MarkdownRenderer } from 'vitepress'
import { INCLUDED_PAGES } from './included-pages.ts'

/** Of the repository. */
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** What VitePress and its plugins know of the page that is rendered. */
interface PageOf {
  readonly realPath?: string | null
  readonly relativePath?: string
}

/**
 * Pages link as GitHub reads them: by the path of a file in the repository. On the site each of these files has a page:
 * those of `docs/` under their own path, others under `/source/`.
 */
export function linkWithinSite(md: MarkdownRenderer): void {
  md.core.ruler.push('links-within-site', ({ tokens, env }) => {
    if (isGenerated(env)) return
    for (const token of tokens.flatMap(({ children }) => children ?? [])) {
      const href = token.type === 'link_open' ? token.attrGet('href') : null
      if (href !== null && isRelative(href)) token.attrSet('href', siteLink(env, href))
    }
  })
}

/** Whether the links of the page are those of the site from the start. */
function isGenerated({ relativePath = '' }: PageOf): boolean {
  return relativePath.startsWith('source/') || relativePath.startsWith('reference/api/')
}

function isRelative(href: string): boolean {
  return !/^([a-z]+:|\/|#)/i.test(href)
}

function siteLink({ realPath }: PageOf, href: string): string {
  const [path = '', fragment] = href.split('#')
  const hash = fragment === undefined ? '' : `#${fragment}`
  // Text that is included from a file of the root has links that start there.
  const files = [dirname(realPath ?? ROOT), ROOT].map((folder) => join(folder, decodeURI(path)))
  const file = files.find((file) => existsSync(file)) ?? files[0]!
  return `${pageOf(relative(ROOT, file))}${hash}`
}

/** The site's address of a file or folder of the repository. */
export function pageOf(file: string): string {
  const included = Object.entries(INCLUDED_PAGES).find(([, source]) => source === file)
  if (included) return `/${included[0].replace(/\.md$/, '')}`
  if (file === 'README.md') return '/start/'
  const isFolder = statSync(join(ROOT, file), { throwIfNoEntry: false })?.isDirectory() ?? false
  if (isFolder && existsSync(join(ROOT, file, 'README.md'))) return pageOf(join(file, 'README.md'))
  const page = /^docs\/(.+)\.md$/.exec(file)?.[1]
  if (page !== undefined) return `/${page.replace(/(^|\/)(README|index)$/, '$1')}`
  // A file that is not there gets a page that is not there: the build fails on the dead link.
  return `/source/${isFolder ? join(file, 'index') : file}.html`
}
