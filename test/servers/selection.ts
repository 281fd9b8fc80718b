/** Every database the tests know. The last two need no server. */
export const DATABASES = ['postgres-14', 'postgres-18', 'mysql', 'mariadb', 'sqlite', 'memory'] as const

export type DatabaseName = (typeof DATABASES)[number]

const GROUPS: Record<string, readonly DatabaseName[]> = { postgres: ['postgres-14', 'postgres-18'] }

export interface Selection {
  names: ReadonlySet<DatabaseName>
  /** Named in TEST_DATABASES, as opposed to "whatever can be had": then going without it is a failure. */
  isExplicit: boolean
}

/** Reads a TEST_DATABASES value: names separated by commas; nothing at all means every database. */
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

function databasesCalled(word: string): readonly DatabaseName[] {
  const database = DATABASES.find((name) => name === word)
  if (database) return [database]
  const group = GROUPS[word]
  if (group) return group

  const valid = [...Object.keys(GROUPS), ...DATABASES].join(', ')
  throw new Error(`TEST_DATABASES names an unknown database "${word}". Valid names, separated by commas: ${valid}`)
}
