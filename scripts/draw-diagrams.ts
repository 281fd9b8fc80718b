// Draws the diagrams of the pages (`mermaid`) in Chromium, as SVG files that docs:build puts into the pages.
import { globSync, mkdirSync, readdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { delimiter, join } from 'node:path'
import { type Browser, chromium, type Page } from 'playwright-core'
import { DRAWN, drawingOf } from '../docs/.vitepress/drawings.ts'
import { REPOSITORY } from './repository.ts'

/** The diagrams of all pages. */
export function diagramSources(): readonly string[] {
  const pages = ['README.md', 'CONTRIBUTING.md', ...globSync('docs/**/*.md', { cwd: REPOSITORY })]
  const texts = pages.filter((page) => !/node_modules|reference\/api/.test(page)).map(read)
  return texts.flatMap((text) => [...text.matchAll(/^```mermaid\n(.+?)\n```$/gms)].map(([, source]) => source!))
}

/**
 * The colours that Mermaid is told, each with the one of the site that stands for it: the site's are variables, light or
 * dark, which Mermaid cannot compute with.
 */
const COLOURS: Readonly<Record<string, string>> = {
  '#101112': '--vp-c-text-1',
  '#202122': '--vp-c-text-2',
  '#e0e1e2': '--vp-c-bg-soft',
  '#f0f1f2': '--vp-c-bg',
  '#a0a1a2': '--vp-c-border',
  '#b0b1b2': '--vp-c-bg-alt',
  '#505152': '--vp-c-brand-1',
}

const [TEXT, LINES, BOX, GROUND, EDGE, NOTE, ACCENT] = Object.keys(COLOURS)

const FONT = 'Inter, sans-serif'

const MERMAID = {
  startOnLoad: false,
  theme: 'base',
  htmlLabels: false,
  flowchart: { htmlLabels: false },
  sequence: {
    ...each(['actorFontFamily', 'noteFontFamily', 'messageFontFamily'], FONT),
    mirrorActors: false,
    messageMargin: 30,
    boxMargin: 8,
    width: 170,
    actorMargin: 80,
    wrap: true,
  },
  fontFamily: FONT,
  themeVariables: {
    fontFamily: FONT,
    fontSize: '15px',
    background: GROUND,
    ...each(
      ['primaryColor', 'mainBkg', 'actorBkg', 'labelBoxBkgColor', 'stateBkg', 'altBackground', 'clusterBkg'],
      BOX,
    ),
    ...each(
      ['primaryTextColor', 'textColor', 'nodeTextColor', 'actorTextColor', 'signalTextColor', 'stateLabelColor'],
      TEXT,
    ),
    ...each(
      ['noteTextColor', 'loopTextColor', 'labelTextColor', 'transitionLabelColor', 'titleColor', 'labelColor'],
      TEXT,
    ),
    ...each(
      ['primaryBorderColor', 'actorBorder', 'nodeBorder', 'clusterBorder', 'labelBoxBorderColor', 'stateBorder'],
      EDGE,
    ),
    ...each(
      ['lineColor', 'signalColor', 'actorLineColor', 'transitionColor', 'defaultLinkColor', 'arrowheadColor'],
      LINES,
    ),
    ...each(['noteBkgColor', 'activationBkgColor', 'secondaryColor', 'tertiaryColor'], NOTE),
    ...each(['noteBorderColor', 'activationBorderColor', 'secondaryBorderColor', 'tertiaryBorderColor'], ACCENT),
    ...each(['secondaryTextColor', 'tertiaryTextColor', 'specialStateColor'], TEXT),
    ...each(['edgeLabelBackground', 'labelBackgroundColor', 'compositeBackground', 'innerEndBackground'], GROUND),
  },
}

function each<Value>(names: readonly string[], value: Value): Record<string, Value> {
  return Object.fromEntries(names.map((name) => [name, value]))
}

function read(path: string): string {
  return readFileSync(join(REPOSITORY, path), 'utf8')
}

async function drawAll(): Promise<void> {
  const browser = await chromium.launch({ executablePath: installedChromium(), args: ['--no-sandbox'] })
  try {
    await drawMissing(browser, diagramSources())
  } finally {
    await browser.close()
  }
}

async function drawMissing(browser: Browser, sources: readonly string[]): Promise<void> {
  const page = await blankPage(browser)
  mkdirSync(DRAWN, { recursive: true })
  for (const name of readdirSync(DRAWN)) rmSync(join(DRAWN, name))
  for (const source of sources) {
    const name = drawingOf(source)
    writeFileSync(join(DRAWN, name), inSiteColours(await draw(page, `diagram-${name.slice(0, 8)}`, source)))
  }
  console.log(`drawn: ${sources.length}`)
}

/** With the font of the site: what a text measures decides about the size of its box. */
async function blankPage(browser: Browser): Promise<Page> {
  const fonts = join(REPOSITORY, 'node_modules/vitepress/dist/client/theme-default/fonts')
  const font = readFileSync(join(fonts, 'inter-roman-latin.woff2'), 'base64')
  const page = await browser.newPage()
  await page.setContent(
    `<style>@font-face { font-family: Inter; font-weight: 100 900; src: url(data:font/woff2;base64,${font}) }</style>`,
  )
  await page.addScriptTag({ path: join(REPOSITORY, 'node_modules/mermaid/dist/mermaid.min.js') })
  await page.evaluate(async (config) => {
    await Reflect.get(globalThis, 'document').fonts.load('15px Inter')
    Reflect.get(globalThis, 'mermaid').initialize(config)
  }, MERMAID)
  return page
}

async function draw(page: Page, id: string, source: string): Promise<string> {
  return await page.evaluate(
    async ([id, source]) => (await Reflect.get(globalThis, 'mermaid').render(id, source)).svg,
    [id, source],
  )
}

function inSiteColours(svg: string): string {
  const coloured = Object.entries(COLOURS).reduce(
    (text, [told, variable]) => text.replaceAll(told, `var(${variable})`),
    svg,
  )
  return `${coloured.trim()}\n`
}

/** Debian's `chromium`, or another one that the variable names. */
function installedChromium(): string {
  const folders = (process.env.PATH ?? '').split(delimiter)
  const [found] = folders.flatMap((folder) => globSync('chromium', { cwd: folder }).map((name) => join(folder, name)))
  if (found === undefined) throw new Error('no chromium is installed: apt-get install chromium')
  return found
}

if (import.meta.main) await drawAll()
