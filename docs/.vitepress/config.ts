import GithubSlugger from 'github-slugger'
import { defineConfig, type HeadConfig, type UserConfig } from 'vitepress'
import llmstxt from 'vitepress-plugin-llms'
import { showDrawings } from './drawings.ts'
import { apiSidebar, sidebar } from './sidebar.ts'
import { linkWithinSite } from './site-links.ts'

/**
 * `llms.txt`, which names all pages, `llms-full.txt`, which has them, and each page as Markdown. The plugin has the types
 * of another copy of Vite.
 */
const forModels = llmstxt({
  sidebar: sidebar(),
  ignoreFiles: ['source/**/*', 'reference/api/**/*'],
}) as unknown as VitePlugin

type VitePlugin = NonNullable<NonNullable<UserConfig['vite']>['plugins']>[number]

const LESS_READ = /^\/(reference\/api|decisions|project)\//

/** Nothing of the site comes from another host: fonts, search and pictures are its own. */
export default defineConfig({
  title: 'verrou-sql',
  description: 'Locks in the database you already have: Postgres, MySQL, MariaDB or SQLite.',
  lang: 'en',
  head: [['link', { rel: 'icon', type: 'image/svg+xml', href: '/logo.svg' }] satisfies HeadConfig],
  // GitHub shows README.md for a folder, VitePress index.md.
  rewrites: { 'decisions/README.md': 'decisions/index.md', 'torture/README.md': 'torture/index.md' },
  lastUpdated: false,
  markdown: {
    // The anchors that GitHub makes, so that a link to a heading leads to it here and there.
    anchor: { slugify: (heading) => new GithubSlugger().slug(heading) },
    theme: { light: 'github-light-high-contrast', dark: 'github-dark-high-contrast' },
    config(md) {
      linkWithinSite(md)
      showDrawings(md)
    },
  },
  themeConfig: {
    logo: '/logo.svg',
    nav: [
      { text: 'Start', link: '/start/', activeMatch: '^/start/' },
      { text: 'Guides', link: '/guide/transactions', activeMatch: '^/guide/' },
      { text: 'Reference', link: '/usage', activeMatch: '^/(usage|errors|databases|reference/)' },
      { text: 'Safety', link: '/safety', activeMatch: '^/(safety|security|torture/)' },
      { text: 'FAQ', link: '/faq' },
    ],
    sidebar: { '/': sidebar(), '/reference/api/': apiSidebar() },
    outline: [2, 3],
    search: {
      provider: 'local',
      options: {
        detailedView: true,
        // A guide says more than a type of the same name, or why that type is what it is.
        miniSearch: { searchOptions: { boostDocument: (page) => (LESS_READ.test(page) ? 0.2 : 1) } },
      },
    },
    externalLinkIcon: true,
    docFooter: { prev: 'Before', next: 'Next' },
    footer: { message: 'MIT license' },
  },
  vite: {
    plugins: [forModels],
    // Search loads its index of all pages only when somebody searches.
    build: { chunkSizeWarningLimit: 4_000 },
  },
})
