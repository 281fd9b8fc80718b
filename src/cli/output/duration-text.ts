import formatDuration from 'ms'

/** A length of time for people: `350ms`, `30s`, `5m`. */
export function durationText(durationMs: number): string {
  return formatDuration(Math.round(durationMs))
}
