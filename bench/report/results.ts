import type { LeftOut } from '../measure/compare.ts'
import type { Spread } from '../measure/spread.ts'
import type { ServerName } from '../servers/bench-server.ts'

/** What was promised, and what was seen. */
export interface Target {
  readonly what: string
  /** Exactly one of the two. */
  readonly atLeast?: number
  readonly atMost?: number
  /** `×` for ratios. */
  readonly unit: string
  /** Left out: it was not measured. */
  readonly seen?: Spread | undefined
  /** Why it was not. */
  readonly reason?: string
}

export interface Column {
  readonly title: string
  /** After the point; left out: text, or a number as it is. */
  readonly digits?: number
}

export type Cell = string | number | null

export interface ResultTable {
  readonly title: string
  readonly columns: readonly Column[]
  readonly rows: readonly (readonly Cell[])[]
}

export interface ChartSeries {
  readonly name: string
  readonly points: readonly (readonly [x: number | string, y: number])[]
}

export interface Chart {
  /** Of its file, without an ending. */
  readonly name: string
  readonly title: string
  readonly kind: 'bars' | 'lines'
  readonly xTitle: string
  readonly yTitle: string
  readonly isLogX?: boolean
  readonly isLogY?: boolean
  readonly series: readonly ChartSeries[]
}

/** What a scenario has found out. */
export interface Findings {
  readonly targets: readonly Target[]
  readonly tables: readonly ResultTable[]
  readonly charts: readonly Chart[]
  /** What else a reader must know. */
  readonly notes: readonly string[]
  readonly leftOut: readonly LeftOut[]
}

export interface ScenarioResult extends Findings {
  readonly id: string
  readonly title: string
  readonly measures: string
  readonly means: string
  readonly seconds: number
}

export interface ServerFacts {
  readonly name: ServerName | 'sqlite'
  readonly version: string
  readonly source: string
  readonly isDurable: boolean
  readonly settings: Readonly<Record<string, string>>
}

export interface MachineFacts {
  readonly processor: string
  readonly cores: number
  readonly memoryGb: number
  readonly system: string
  readonly node: string
  /** Average of the minute before the run, and of the last one of it: what else the machine had to do. */
  readonly loadBefore: number
  readonly loadAfter: number
  /** Writing 8 kB and making sure that they are on the disk, median, ms. */
  readonly flushMs: number
}

/** All of one run; a page can be made from it later. */
export interface Results {
  readonly startedAt: string
  readonly seconds: number
  readonly commit: string
  readonly settings: { readonly seconds: number; readonly rounds: number; readonly isQuick: boolean }
  readonly machine: MachineFacts
  readonly packages: Readonly<Record<string, string>>
  readonly servers: readonly ServerFacts[]
  readonly scenarios: readonly ScenarioResult[]
}
