import { existsSync, globSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { expect, test } from 'vitest'
import { DRAWN, drawingOf } from '../docs/.vitepress/drawings.ts'
import { sidebar } from '../docs/.vitepress/sidebar.ts'
import { diagramSources } from '../scripts/draw-diagrams.ts'
import { REPOSITORY } from '../scripts/repository.ts'

/** What can be told without building the site; `npm run docs:build` looks at the rest. */

interface Entry {
  readonly link?: string
  readonly items?: readonly Entry[]
}

test('each diagram is drawn as its page has it, and no other one', () => {
  const expected = diagramSources().map(drawingOf)
  expect(readdirSync(DRAWN).toSorted(), 'npm run docs:diagrams').toEqual(expected.toSorted())
})

test('each page is in the sidebar, and each entry of it is a page', () => {
  const listed = new Set(
    linksIn(sidebar())
      .map(pageOf)
      .filter((page) => !page.startsWith('reference/api/')),
  )
  expect([...listed].toSorted()).toEqual(writtenPages())
})

/** All but the front page, and what is shown beside the others: the sources. */
function writtenPages(): string[] {
  const pages = globSync(['*.md', '*/*.md'], { cwd: join(REPOSITORY, 'docs') })
  return pages.filter((page) => page !== 'index.md' && !page.startsWith('source/')).toSorted()
}

function linksIn(entries: readonly Entry[]): string[] {
  return entries.flatMap(({ link, items = [] }) => [...(link === undefined ? [] : [link]), ...linksIn(items)])
}

/** The file of a link of the site. */
function pageOf(link: string): string {
  const path = link.replace(/^\//, '').replace(/#.*/, '')
  if (!path.endsWith('/') && path !== '') return `${path.replace(/\.md$/, '')}.md`
  const names = ['README.md', 'index.md'].map((name) => `${path}${name}`)
  return names.find((name) => existsSync(join(REPOSITORY, 'docs', name))) ?? `${path}index.md`
}
