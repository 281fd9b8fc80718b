import type { ZoneChange } from './time-zone-change.ts'

const HALF_YEAR_SECONDS = 182 * 24 * 3_600
const HOUR_SECONDS = 3_600

/**
 * A time zone in the notation of POSIX, which Postgres takes in place of a name: UTC in winter, an hour more in summer. The rule says
 * when summer begins, then when winter does, each in the local time until then.
 * https://www.postgresql.org/docs/current/datetime-posix-timezone-specs.html
 */
export function postgresZone({ change, atSeconds }: ZoneChange): string {
  return change === 'gap'
    ? `TST0TDT,${rule(atSeconds)},${rule(atSeconds + HALF_YEAR_SECONDS)}`
    : `TST0TDT,${rule(atSeconds - HALF_YEAR_SECONDS)},${rule(atSeconds + HOUR_SECONDS)}`
}

/** The day of the year, counted from 0 and with 29 February, and the time of day. */
function rule(localSeconds: number): string {
  const moment = new Date(localSeconds * 1000)
  const day = Math.floor((moment.getTime() - Date.UTC(moment.getUTCFullYear(), 0)) / 86_400_000)
  return `${day}/${moment.toISOString().slice(11, 19)}`
}
