/** Longest piece of a given value that a message repeats. */
const SHOWN_CHARACTERS = 60

/**
 * A given value as an error message names it: short, with its type where that is not plain to see.
 * Objects are named by type only, since they may hold credentials.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string': {
      const shown = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value
      return `${JSON.stringify(shown)} (string${value.length > SHOWN_CHARACTERS ? ` of ${value.length} characters` : ''})`
    }
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return `${value}n`
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    default:
      if (value === null) return 'null'
      return Array.isArray(value) ? `an array of ${value.length}` : 'an object'
  }
}
