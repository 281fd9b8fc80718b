import type { Spread } from '../measure/spread.ts'
import { isMet } from './is-met.ts'
import type { Cell, Column, Target } from './results.ts'

/** A number with as many digits as the column wants. */
export function shownCell(cell: Cell | undefined, { digits }: Column): string {
  if (cell === null || cell === undefined) return '–'
  if (typeof cell === 'string') return cell
  if (!Number.isFinite(cell)) return '–'
  return cell.toLocaleString('en', { minimumFractionDigits: digits ?? 0, maximumFractionDigits: digits ?? 3 })
}

/** `≥ 1.3 ×` */
export function shownTarget({ atLeast, atMost, unit }: Target): string {
  return atLeast === undefined ? `≤ ${atMost} ${unit}` : `≥ ${atLeast} ${unit}`
}

/** `1.42 × (1.31 – 1.50)` */
export function shownSpread({ median, least, most, rounds }: Spread, unit: string): string {
  const [middle, low, high] = [median, least, most].map(threeDigits)
  return rounds === 1 ? `${middle} ${unit}` : `${middle} ${unit} (${low} – ${high})`
}

export function shownVerdict(target: Target): 'met' | 'MISSED' | 'not run' {
  const met = isMet(target)
  return met === undefined ? 'not run' : met ? 'met' : 'MISSED'
}

function threeDigits(number: number): string {
  return number.toLocaleString('en', {
    maximumSignificantDigits: Math.abs(number) >= 100 ? 6 : 3,
    maximumFractionDigits: 2,
  })
}
