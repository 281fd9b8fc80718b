import { mkdir, readdir, rm, writeFile } from 'node:fs/promises'
import { basename, dirname, join } from 'node:path'
import { drawChart } from './draw-chart.ts'
import { pageOf } from './page-of.ts'
import type { Results } from './results.ts'

/** Writes the page, and its charts into a folder beside it, whose older charts are removed. */
export async function writePage(file: string, results: Results): Promise<void> {
  const folder = file.endsWith('.md') ? file.slice(0, -'.md'.length) : `${file}-charts`
  await mkdir(folder, { recursive: true })
  for (const name of await readdir(folder)) if (name.endsWith('.svg')) await rm(join(folder, name))
  for (const chart of results.scenarios.flatMap(({ charts }) => charts)) {
    if (chart.series.some(({ points }) => points.length > 0))
      await writeFile(join(folder, `${chart.name}.svg`), drawChart(chart))
  }
  await mkdir(dirname(file), { recursive: true })
  await writeFile(file, pageOf(results, basename(folder)))
}
