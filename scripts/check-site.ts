// Looks at the built site: links and anchors, requests to other hosts, and whether llms.txt names every page.
import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { LinkChecker, LinkState } from 'linkinator'
import { REPOSITORY } from './repository.ts'

const SITE = join(REPOSITORY, 'docs/.vitepress/dist')

const complaints = [...(await brokenLinks()), ...foreignRequests(), ...pagesThatModelsMiss()]
for (const complaint of complaints) console.error(complaint)
if (complaints.length > 0) process.exitCode = 1

/** Links to pages or headings that are not there. Links to other hosts are not followed: a build needs no network. */
async function brokenLinks(): Promise<string[]> {
  const pages = globSync('**/*.html', { cwd: SITE })
  const { links } = await new LinkChecker().check({
    path: pages,
    serverRoot: SITE,
    checkFragments: true,
    linksToSkip: async (link) => !/^http:\/\/(localhost|127\.0\.0\.1)[:/]/.test(link),
  })
  const broken = links.filter(({ state }) => state === LinkState.BROKEN)
  return broken.map(({ url, parent, status }) => `${parent}: ${url} (${status})`)
}

/** What a page would load from elsewhere. Links that a reader follows are another matter. */
function foreignRequests(): string[] {
  const loads =
    /(?:<(?:script|img|iframe|source|video|audio)\b[^>]*\bsrc=|<link\b[^>]*\bhref=|url\(|@import )["']?(https?:)?\/\/[^"')\s>]+/gi
  return globSync('**/*.{html,css}', { cwd: SITE }).flatMap((file) => {
    const found = readFileSync(join(SITE, file), 'utf8').match(loads) ?? []
    return found.map((request) => `${file}: asks another host: ${request}`)
  })
}

/** Written pages whose name is not in `llms.txt`. */
function pagesThatModelsMiss(): string[] {
  const list = readFileSync(join(SITE, 'llms.txt'), 'utf8')
  const pages = globSync('**/*.html', { cwd: SITE, exclude: (path) => /^(source|reference\/api)(\/|$)/.test(path) })
  const named = pages
    .map((page) => page.replace(/(\/?index)?\.html$/, ''))
    .filter((page) => page !== '' && page !== '404')
  return named.filter((page) => !list.includes(`/${page}`)).map((page) => `llms.txt: misses ${page}`)
}
