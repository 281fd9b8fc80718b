import { readFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'

/** A file of the page, as it is sent. */
export interface PageFile {
  readonly type: string
  readonly content: Buffer
}

const TYPES = {
  html: 'text/html; charset=utf-8',
  css: 'text/css; charset=utf-8',
  js: 'text/javascript; charset=utf-8',
  svg: 'image/svg+xml',
} as const

const OWN_FILES = [
  ...['index.html', 'style.css', 'icon.svg', 'app.js', 'live-locks.js', 'lock-table.js', 'lock-details.js'],
  ...['release-dialog.js', 'time-charts.js', 'words.js'],
]

/** Everything that the page consists of, by its path in URLs. Read once: nobody can ask for another file. */
export function readPageFiles(): ReadonlyMap<string, PageFile> {
  // By the package's own name, since this file is in `src` here and in `dist/src` at our users'.
  const { resolve } = createRequire(import.meta.url)
  const folder = join(dirname(resolve('verrou-sql/package.json')), 'ui')
  const paths: [url: string, file: string][] = [
    ...OWN_FILES.map((name): [string, string] => [`/${name === 'index.html' ? '' : name}`, join(folder, name)]),
    ['/uplot.js', resolve('uplot/dist/uPlot.esm.js')],
    ['/uplot.css', resolve('uplot/dist/uPlot.min.css')],
  ]
  return new Map(paths.map(([url, file]) => [url, { type: typeOf(file), content: readFileSync(file) }]))
}

function typeOf(file: string): string {
  return TYPES[file.slice(file.lastIndexOf('.') + 1) as keyof typeof TYPES]
}
