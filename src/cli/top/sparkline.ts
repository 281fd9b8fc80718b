const LEVELS = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'] as const

/** A line of numbers as high as they are, the highest as high as the line; `null`: nothing there. */
export function sparkline(values: readonly (number | null)[]): string {
  const highest = Math.max(...values.map((value) => value ?? 0))
  return values.map((value) => (value === null ? ' ' : levelOf(value, highest))).join('')
}

function levelOf(value: number, highest: number): string {
  const level = highest === 0 ? 0 : Math.ceil((value / highest) * LEVELS.length) - 1
  return LEVELS[Math.max(0, level)] ?? LEVELS[0]
}
