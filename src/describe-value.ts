/** A connection string, in a place where it does not belong. */
const MAY_BE_SECRET = /:\/\/[^/?#\s]*@|passw(or)?d\s*=/i

/** Longest piece of a given value that a message repeats. */
const SHOWN_CHARACTERS = 60

/** What JSON leaves as it is, and terminals and log viewers obey or do not show: controls, marks of direction, line separators. */
const UNSEEN = /[\p{Cc}\p{Cf}\p{Zl}\p{Zp}]/gu

/** A text as a message names it: in quotes, on one line, with all that is in it plain to see. A key may come from anybody. */
export function quoted(text: string): string {
  return JSON.stringify(text).replace(UNSEEN, (unseen) => {
    const units = unseen.split('').map((unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
    return units.join('')
  })
}

/** The name of something of the caller's within a message, without quotes. */
export function nameIn(name: string): string {
  return quoted(name.slice(0, SHOWN_CHARACTERS)).slice(1, -1)
}

/**
 * A given value as an error message names it: short, with its type where that is not plain to see.
 * Objects are named by type only, since they may hold credentials.
 */
export function describeValue(value: unknown): string {
  switch (typeof value) {
    case 'string': {
      if (MAY_BE_SECRET.test(value)) return `a string of ${value.length} characters that may contain a password`
      const shown = value.length > SHOWN_CHARACTERS ? `${value.slice(0, SHOWN_CHARACTERS)}…` : value
      return `${quoted(shown)} (string${value.length > SHOWN_CHARACTERS ? ` of ${value.length} characters` : ''})`
    }
    case 'number':
    case 'boolean':
    case 'undefined':
      return String(value)
    case 'bigint':
      return `${String(value).slice(0, SHOWN_CHARACTERS)}n`
    case 'function':
      return 'a function'
    case 'symbol':
      return 'a symbol'
    default:
      return value === null ? 'null' : describeObject(value as object)
  }
}

function describeObject(value: object): string {
  try {
    return Array.isArray(value) ? `an array of ${value.length}` : 'an object'
  } catch {
    // A proxy may answer no question at all.
    return 'an object'
  }
}
