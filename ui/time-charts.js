import uPlot from '/uplot.js'
import { counted, duration, timeOfDay } from './words.js'

/**
 * @typedef {import('./live-locks.js').LiveLocks} LiveLocks
 * @typedef {LiveLocks['buckets'][number]} Bucket
 * @typedef {{ name: string, of: (bucket: Bucket) => number | null, color: string, dash?: number[], width?: number, isFilled?: boolean }} Line
 */

const BUCKET_S = 5
const LONGEST_WINDOW_S = 600
const SHORTEST_WINDOW_S = 60

/** Where the axis of a time may have a line, in milliseconds: round ones, a few to an hour. */
const TIME_STEPS = [1, 10, 100, 1_000, 10_000, 60_000, 600_000, 3_600_000, 36_000_000, 86_400_000, 864_000_000]

/** @type {Line[]} */
const COUNTS = [
  { name: 'Held', of: ({ held }) => held, color: '--line-1', isFilled: true },
  { name: 'Waited for', of: ({ waitedFor }) => waitedFor, color: '--line-2', dash: [6, 3] },
]

/** @type {Line[]} */
const HOLDS = [
  { name: 'Median', of: ({ holds }) => holds.medianMs, color: '--line-1', width: 2 },
  { name: '95 of 100', of: ({ holds }) => holds.p95Ms, color: '--line-2', dash: [6, 3] },
  { name: 'Longest', of: ({ holds }) => holds.longestMs, color: '--line-3', dash: [2, 3] },
]

/** @type {Line[]} */
const WAITS = [
  { name: 'Median', of: ({ waits }) => waits.medianMs, color: '--line-1', width: 2 },
  { name: '95 of 100', of: ({ waits }) => waits.p95Ms, color: '--line-2', dash: [6, 3] },
  { name: 'Longest', of: ({ waits }) => waits.longestMs, color: '--line-3', dash: [2, 3] },
]

/** What the last ten minutes were like: drawn, and in words and tables for those who do not see the drawing. */
export class TimeCharts {
  #live
  #charts

  /** @param {LiveLocks} live */
  constructor(live) {
    this.#live = live
    this.#charts = [
      new Chart('counts', COUNTS, false, countWords),
      new Chart('holds', HOLDS, true, holdWords),
      new Chart('waits', WAITS, true, waitWords),
    ]
    const redraw = () => this.refresh()
    matchMedia('(prefers-color-scheme: dark)').addEventListener('change', () => {
      for (const chart of this.#charts) chart.make()
      redraw()
    })
  }

  refresh() {
    for (const chart of this.#charts) chart.show(this.#live)
  }
}

class Chart {
  #lines
  #isTime
  #words
  #figure
  #plotted
  #caption
  #details
  #minutes
  /** @type {uPlot | undefined} */
  #plot
  #toldBuckets = ''

  /**
   * @param {string} id
   * @param {Line[]} lines
   * @param {boolean} isTime milliseconds, of any order of magnitude
   * @param {(live: LiveLocks) => string} words
   */
  constructor(id, lines, isTime, words) {
    this.#lines = lines
    this.#isTime = isTime
    this.#words = words
    this.#figure = /** @type {HTMLElement} */ (document.getElementById(id))
    this.#plotted = /** @type {HTMLElement} */ (this.#figure.querySelector('.plot'))
    this.#caption = /** @type {HTMLElement} */ (this.#figure.querySelector('figcaption'))
    this.#details = /** @type {HTMLDetailsElement} */ (this.#figure.querySelector('details'))
    this.#minutes = /** @type {HTMLElement} */ (this.#figure.querySelector('.minutes'))
    this.make()
    new ResizeObserver(() => this.#plot?.setSize(this.#size)).observe(this.#plotted)
  }

  make() {
    this.#plot?.destroy()
    this.#plot = new uPlot(this.#options, [[], ...this.#lines.map(() => [])], this.#plotted)
    this.#toldBuckets = ''
  }

  /** @param {LiveLocks} live */
  show(live) {
    const words = this.#words(live)
    if (this.#caption.textContent !== words) this.#caption.textContent = words
    const told = JSON.stringify(live.buckets.at(-1) ?? null)
    if (told === this.#toldBuckets) return
    this.#toldBuckets = told
    this.#plot?.setData(dataOf(live.buckets, this.#lines))
    if (this.#details.open || this.#minutes.childElementCount === 0) {
      this.#minutes.replaceChildren(minutesTable(live.buckets, this.#lines, this.#isTime ? duration : countOrNone))
    }
  }

  get #size() {
    return { width: Math.max(160, this.#plotted.clientWidth), height: 110 }
  }

  /** @returns {uPlot.Options} */
  get #options() {
    const style = getComputedStyle(document.documentElement)
    const color = (/** @type {string} */ name) => style.getPropertyValue(name).trim()
    const isTime = this.#isTime
    const axis = {
      stroke: color('--quiet'),
      font: '11px system-ui, sans-serif',
      grid: { stroke: color('--rule'), width: 1 },
      ticks: { show: false },
    }
    return {
      ...this.#size,
      cursor: { show: false },
      legend: { show: false },
      padding: [6, 8, 0, 0],
      scales: {
        x: { time: true, range: (_, min, max) => windowOf(min ?? 0, max ?? 0) },
        y: isTime
          ? { distr: 3, range: (_, min, max) => timeRange(min || 100, max || 1_000) }
          : { range: (_, __, max) => [0, Math.max(4, (max || 0) * 1.1)] },
      },
      axes: [
        // Without the last label where it would be cut off.
        {
          ...axis,
          space: 70,
          incrs: [60, 120, 300],
          size: 22,
          values: (plot, ticks) => ticks.map((s) => (plot.valToPos(s, 'x') > plot.width - 90 ? '' : clock(s))),
        },
        isTime
          ? {
              ...axis,
              size: 48,
              splits: (_, __, min, max) => TIME_STEPS.filter((ms) => ms >= min && ms <= max),
              filter: (_, splits) => splits,
              values: (_, ticks) => ticks.map(stepLabel),
            }
          : {
              ...axis,
              size: 48,
              space: 24,
              values: (_, ticks) => ticks.map((tick) => (Number.isInteger(tick) ? counted(tick) : '')),
            },
      ],
      series: [
        {},
        ...this.#lines.map(({ name, color: of, dash, width = 1.4, isFilled }) => ({
          label: name,
          stroke: color(of),
          width,
          ...(dash && { dash }),
          ...(isFilled && { fill: color('--fill') }),
          points: { show: isTime, size: 4, fill: color(of) },
        })),
      ],
    }
  }
}

/** @param {number} s */
function clock(s) {
  return new Date(s * 1_000).toLocaleTimeString(undefined, { hour: '2-digit', minute: '2-digit' })
}

/**
 * The last minutes, as many as there are.
 *
 * @param {number} min
 * @param {number} max seconds
 * @returns {[number, number]}
 */
function windowOf(min, max) {
  return [max - Math.max(SHORTEST_WINDOW_S, Math.min(LONGEST_WINDOW_S, max - min)), max]
}

/**
 * From a line of the axis to another one.
 *
 * @param {number} min
 * @param {number} max
 * @returns {[number, number]}
 */
function timeRange(min, max) {
  const from = TIME_STEPS.findLast((ms) => ms <= min) ?? 1
  return [from, TIME_STEPS.find((ms) => ms >= max && ms > from) ?? max]
}

/** @param {number} ms one of the steps */
function stepLabel(ms) {
  const [size, unit] = [
    [86_400_000, 'd'],
    [3_600_000, 'h'],
    [60_000, 'min'],
    [1_000, 's'],
  ].find(([size]) => ms >= Number(size)) ?? [1, 'ms']
  return `${ms / Number(size)} ${unit}`
}

/**
 * Buckets in which nobody could look are missing; the line has a gap there.
 *
 * @param {Bucket[]} buckets
 * @param {Line[]} lines
 * @returns {uPlot.AlignedData}
 */
function dataOf(buckets, lines) {
  /** @type {number[]} */
  const times = []
  /** @type {(number | null)[][]} */
  const values = lines.map(() => [])
  for (const bucket of buckets) {
    const atS = bucket.atMs / 1_000
    const lastS = times.at(-1) ?? atS
    if (atS - lastS > BUCKET_S) {
      times.push(lastS + BUCKET_S)
      for (const line of values) line.push(null)
    }
    times.push(atS)
    // A logarithm has no zero.
    lines.forEach(({ of }, index) => void values[index]?.push(lines === COUNTS ? of(bucket) : atLeastOne(of(bucket))))
  }
  return [times, ...values]
}

/** @param {number | null} ms */
function atLeastOne(ms) {
  return ms === null ? null : Math.max(1, ms)
}

/** @param {number | null} count */
function countOrNone(count) {
  return count === null ? '–' : counted(count)
}

/**
 * The worst of each minute, latest first.
 *
 * @param {Bucket[]} buckets
 * @param {Line[]} lines
 * @param {(value: number | null) => string} write
 */
function minutesTable(buckets, lines, write) {
  const minutes = Map.groupBy(buckets, ({ atMs }) => Math.floor(atMs / 60_000) * 60_000)
  const table = document.createElement('table')
  table.className = 'plain'
  table.createCaption().textContent = 'The greatest value of each minute'
  const head = table.createTHead().insertRow()
  for (const name of ['Minute', ...lines.map((line) => line.name)]) {
    const cell = document.createElement('th')
    cell.scope = 'col'
    cell.textContent = name
    head.append(cell)
  }
  const body = table.createTBody()
  for (const [atMs, inMinute] of [...minutes].reverse()) {
    const row = body.insertRow()
    const minute = document.createElement('th')
    minute.scope = 'row'
    minute.textContent = timeOfDay(atMs)
    row.append(minute)
    for (const { of } of lines) {
      const values = inMinute.map(of).filter((value) => value !== null)
      row.insertCell().textContent = write(values.length === 0 ? null : Math.max(...values))
    }
  }
  return table
}

/** @param {LiveLocks} live */
function countWords({ locks, buckets }) {
  const last = buckets.at(-1)
  if (!last) return 'Nothing seen yet.'
  let held = 0
  let wanted = 0
  for (const { isHeld, isWanted } of locks.values()) {
    if (isHeld) held++
    if (isHeld && isWanted) wanted++
  }
  const oldest = last.oldestHoldMs === null ? '' : `, the oldest for ${duration(last.oldestHoldMs)}`
  return `${counted(held)} held${oldest}. ${counted(wanted)} waited for.`
}

/** @param {LiveLocks} live */
function holdWords({ summary }) {
  if (!summary || summary.holds.count === 0) return 'No hold has ended since this was started.'
  const { holds, ranOut } = summary
  return `${counted(holds.count)} ended: ${timesWords(holds)}. ${ranOut === 0 ? 'None ran out.' : `${counted(ranOut)} ran out.`}`
}

/** @param {LiveLocks} live */
function waitWords({ summary, buckets }) {
  const longestMs = buckets.at(-1)?.longestWaitMs ?? null
  const now = longestMs === null ? 'Nobody waits.' : `Waiting for ${duration(longestMs)} by now.`
  if (!summary || summary.waits.count === 0) return `No wait has ended since this was started. ${now}`
  return `${counted(summary.waits.count)} ended: ${timesWords(summary.waits)}. ${now}`
}

/** @param {import('../src/cli/watching/times.ts').Times} times */
function timesWords({ medianMs, p95Ms, longestMs }) {
  return `median ${duration(medianMs)}, 95 of 100 within ${duration(p95Ms)}, longest ${duration(longestMs)}`
}
