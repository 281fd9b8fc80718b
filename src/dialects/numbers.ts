/**
 * A number out of a driver: 64-bit integers arrive as numbers, strings or bigints, depending on the driver and its
 * settings. All of ours are exact as JavaScript numbers: microseconds since the epoch reach 2^53 in the year 2255.
 */
export function numberOf(given: unknown): number {
  const number = Number(given)
  if (given === null || given === '' || !Number.isSafeInteger(number)) {
    throw new TypeError(`expected an integer from the database, got ${String(given)}`)
  }
  return number
}

/** The same for a column that may be null. */
export function numberOrNull(given: unknown): number | null {
  return given === null || given === undefined ? null : numberOf(given)
}
