/** Every database the tests know. The last two need no server. */
export const DATABASES = ['postgres-14', 'postgres-18', 'mysql', 'mariadb', 'sqlite', 'memory'] as const

export type DatabaseName = (typeof DATABASES)[number]

const GROUPS: Record<string, readonly DatabaseName[]> = { postgres: ['postgres-14', 'postgres-18'] }

/** A server that somebody names by its URL: any that speaks the language of Postgres or MySQL. */
export type ServerUrl = `${'postgres' | 'postgresql' | 'mysql'}://${string}`

export interface Selection {
  names: ReadonlySet<DatabaseName | ServerUrl>
  /** Named in TEST_DATABASES, as opposed to "whatever can be had": then going without it is a failure. */
  isExplicit: boolean
}

/**
 * Reads a TEST_DATABASES value: names and URLs, separated by commas; nothing at all means every database. A URL can end with
 * `?portable=true`: the stores on that server are made with this option.
 */
export function parseSelection(text: string | undefined): Selection {
  const words = (text ?? '')
    .split(',')
    .map((word) => word.trim())
    .filter((word) => word !== '')
  if (words.length === 0) return { names: new Set(DATABASES), isExplicit: false }
  return { names: new Set(words.flatMap(databasesCalled)), isExplicit: true }
}

/** Whether TEST_DATABASES lets the tests use this database (a group counts when any of it does). */
export function isSelected(name: DatabaseName | 'postgres'): boolean {
  const { names } = parseSelection(process.env.TEST_DATABASES)
  return databasesCalled(name).some((database) => names.has(database))
}

function databasesCalled(word: string): readonly (DatabaseName | ServerUrl)[] {
  if (word.includes('://')) return [serverUrl(word)]
  const database = DATABASES.find((name) => name === word)
  if (database) return [database]
  const group = GROUPS[word]
  if (group) return group

  const valid = [...Object.keys(GROUPS), ...DATABASES].join(', ')
  throw new Error(
    `TEST_DATABASES names an unknown database "${word}". Valid names, separated by commas: ${valid}; or URLs: postgres://…, mysql://…`,
  )
}

/** No message repeats a URL: it can contain a password. */
function serverUrl(word: string): ServerUrl {
  const kind = word.slice(0, word.indexOf('://'))
  if (!/^(postgres(ql)?|mysql)$/.test(kind)) {
    throw new Error(`TEST_DATABASES has a URL that begins with "${kind}://". postgres:// and mysql:// are known`)
  }
  if (!URL.canParse(word)) throw new Error(`TEST_DATABASES has a ${kind}:// URL that cannot be read`)
  const { pathname, searchParams } = new URL(word)
  if (pathname.length < 2) throw new Error(`TEST_DATABASES has a ${kind}:// URL without a database: …/name`)
  const portable = searchParams.get('portable')
  if (portable !== null && portable !== 'true' && portable !== 'false') {
    throw new Error(`TEST_DATABASES has a ${kind}:// URL with portable=${portable}; it is true or false`)
  }
  return word as ServerUrl
}
