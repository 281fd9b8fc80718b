import * as echarts from 'echarts'
import type { Chart } from './results.ts'

const SIZE = { width: 860, height: 430 }
/** Told apart also by those who see few colours: https://jfly.uni-koeln.de/color/ */
const COLORS = ['#0072b2', '#e69f00', '#009e73', '#cc79a7', '#56b4e9', '#d55e00', '#7f7f7f']
const FONT = 'sans-serif'
const TEXT = '#222222'

/** A chart as SVG, with a background of its own: pages are read on light and dark ones. */
export function drawChart(chart: Chart): string {
  const drawing = echarts.init(null, null, { renderer: 'svg', ssr: true, ...SIZE })
  try {
    drawing.setOption(optionOf(chart))
    return `${stable(drawing.renderToSVGString())}\n`
  } finally {
    drawing.dispose()
  }
}

function optionOf({ title, kind, xTitle, yTitle, isLogX, isLogY, series }: Chart): echarts.EChartsOption {
  const isByName = kind === 'bars' || series.some(({ points }) => typeof points[0]?.[0] === 'string')
  const names = [...new Set(series.flatMap(({ points }) => points.map(([x]) => String(x))))]
  const axis = {
    nameLocation: 'middle',
    nameTextStyle: { color: TEXT, fontSize: 12 },
    axisLabel: { color: TEXT },
  } as const
  const xAxis = isByName
    ? { ...axis, type: 'category' as const, data: names, name: xTitle, nameGap: 32, axisLabel: nameLabel(names) }
    : { ...axis, ...scale(isLogX), name: xTitle, nameGap: 32 }
  return {
    animation: false,
    backgroundColor: '#ffffff',
    color: COLORS,
    textStyle: { fontFamily: FONT, color: TEXT },
    title: { text: title, left: 16, top: 12, textStyle: { fontSize: 15, color: TEXT } },
    legend: { top: 40, left: 12, itemGap: 26, textStyle: { color: TEXT } },
    grid: { left: 84, right: 32, top: 124, bottom: 64 },
    xAxis,
    yAxis: { ...axis, ...scale(isLogY), name: yTitle, nameGap: 62 },
    series: series.map(({ name, points }) =>
      kind === 'bars'
        ? bars(name, points, names)
        : { name, type: 'line' as const, symbolSize: 7, data: points.map(([x, y]) => [x, y]) },
    ),
  }
}

function scale(isLog = false) {
  return isLog ? { type: 'log' as const } : { type: 'value' as const, min: 0 }
}

function bars(name: string, points: Chart['series'][number]['points'], names: readonly string[]) {
  const heights = new Map(points.map(([x, y]) => [String(x), y]))
  return {
    ...{ name, type: 'bar' as const, data: names.map((one) => heights.get(one) ?? null) },
    label: {
      show: true,
      position: 'top' as const,
      color: TEXT,
      fontSize: 10,
      formatter: ({ value }: { value?: unknown }) => short(value),
    },
  }
}

/** Long names stand on several lines. */
function nameLabel(names: readonly string[]) {
  const width = Math.floor((SIZE.width - 130) / Math.max(1, names.length)) - 16
  return { color: TEXT, interval: 0, width, overflow: 'break' as const, fontSize: names.length > 4 ? 9 : 12 }
}

function short(value: unknown): string {
  if (typeof value !== 'number') return ''
  return value.toLocaleString('en', value >= 100 ? { maximumFractionDigits: 0 } : { maximumSignificantDigits: 3 })
}

/** Without what happens under a mouse: an image has no mouse, and the names of these classes count all charts of the process. */
function stable(svg: string): string {
  return svg.replace(/<style[^>]*>.*?<\/style>\s*/gs, '').replace(/ class="zr[^"]*"/g, '')
}
