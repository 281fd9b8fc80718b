import { existsSync, globSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import type { DefaultTheme } from 'vitepress'

/** The folder of the pages. */
const DOCS = fileURLToPath(new URL('..', import.meta.url))

type Item = DefaultTheme.SidebarItem

/** All pages, in the order in which they are read. A page of a guide that is not named here stands behind the others. */
export function sidebar(): Item[] {
  return [
    {
      text: 'Start',
      items: [
        item('What it is, and the first lock', '/start/'),
        item('Postgres', '/start/postgres'),
        item('MySQL and MariaDB', '/start/mysql'),
        item('SQLite', '/start/sqlite'),
        item('Kysely and PGlite', '/start/kysely'),
        item('The table and its migrations', '/start/table'),
      ],
    },
    {
      text: 'Guides',
      items: [
        item('In pictures', '/guide/in-pictures'),
        item('In your own transaction', '/guide/transactions'),
        item('Waiting', '/guide/waiting'),
        item('Choosing a TTL', '/guide/choosing-a-ttl'),
        item('Keeping a lock alive', '/guide/waiting#keeping'),
        item('Once in a period', '/guide/waiting#once-in-a-period'),
        item('A leader', '/guide/waiting#a-leader'),
        item('Session locks', '/guide/session-locks'),
        item('Presence', '/guide/presence'),
        item('Handing a lock on', '/guide/handing-on'),
        ...namedPages({
          'guide/the-command': 'The command, in pictures',
          'guide/testing': 'Testing your own code',
          'guide/observing': 'Events, logs and metrics',
          'guide/runbook': 'Runbook',
          'guide/from-verrou': 'Coming from Verrou',
          'guide/nestjs': 'NestJS',
          'guide/fastify': 'Fastify',
          'guide/bun-and-deno': 'Bun and Deno',
        }),
        ...otherGuides(),
      ],
    },
    {
      text: 'Safety',
      items: [
        item('What a lock cannot promise', '/safety'),
        item('Security', '/security'),
        item('Torture', '/torture/', pagesOf('torture')),
      ],
    },
    {
      text: 'Reference',
      items: [
        item('Usage', '/usage'),
        item('Options', '/reference/options'),
        item('Errors', '/errors'),
        item('Databases', '/databases'),
        ...namedPages({ 'reference/cli': 'The command verrou' }),
        item('API', '/reference/api/'),
        item('Benchmarks', '/benchmarks'),
      ],
    },
    {
      text: 'More',
      items: [
        item('FAQ', '/faq'),
        item('Changes', '/project/changelog'),
        item('Contributing', '/project/contributing'),
        item('Reporting a vulnerability', '/project/reporting'),
        item('Decisions', '/decisions/', pagesOf('decisions')),
      ],
    },
  ]
}

function item(text: string, link: string, items: readonly Item[] = []): Item {
  return items.length === 0 ? { text, link } : { text, link, items: [...items], collapsed: true }
}

/** Those of the pages that are there. */
function namedPages(titles: Readonly<Record<string, string>>): Item[] {
  const pages = Object.entries(titles).filter(([page]) => existsSync(`${DOCS}${page}.md`))
  return pages.map(([page, title]) => item(title, `/${page}`))
}

const LISTED_GUIDES =
  /^(in-pictures|transactions|waiting|choosing-a-ttl|session-locks|presence|handing-on|testing|observing|runbook|from-verrou|nestjs|fastify|bun-and-deno)\.md$/

function otherGuides(): Item[] {
  const files = globSync('*.md', { cwd: `${DOCS}guide` }).filter((file) => !LISTED_GUIDES.test(file))
  return files.toSorted().map((file) => pageItem('guide', file))
}

/** The pages of a folder, by their headings. */
function pagesOf(folder: string): Item[] {
  const files = globSync('*.md', { cwd: `${DOCS}${folder}` }).filter((file) => file !== 'README.md')
  return files.toSorted().map((file) => pageItem(folder, file))
}

function pageItem(folder: string, file: string): Item {
  const heading = /^# (.+)$/m.exec(readFileSync(`${DOCS}${folder}/${file}`, 'utf8'))?.[1]
  return item((heading ?? file).replaceAll('`', ''), `/${folder}/${file.replace(/\.md$/, '')}`)
}

/** That of the API reference, which has as many pages as all others together: what TypeDoc wrote, if it has been run. */
export function apiSidebar(): Item[] {
  const file = `${DOCS}reference/api/typedoc-sidebar.json`
  const items: Item[] = existsSync(file) ? JSON.parse(readFileSync(file, 'utf8')) : []
  return [item('← All pages', '/start/'), item('API', '/reference/api/', items)]
}
