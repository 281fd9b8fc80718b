import type { DatabaseName, ServerUrl } from './selection.ts'

export type ServerName = Exclude<DatabaseName, 'sqlite' | 'memory'>

export interface WantedServer {
  /** `postgres` without a version is a server given by URL: it has the version it has. A URL without user and password: the same. */
  name: ServerName | 'postgres' | ServerUrl
  /** The environment variable that names a server to use instead of one of our own. */
  variable: string
  givenUrl: string | undefined
}

type Environment = Readonly<Record<string, string | undefined>>

const VARIABLES: Record<ServerName, string> = {
  'postgres-14': 'VERROU_TEST_POSTGRES_14_URL',
  'postgres-18': 'VERROU_TEST_POSTGRES_18_URL',
  mysql: 'VERROU_TEST_MYSQL_URL',
  mariadb: 'VERROU_TEST_MARIADB_URL',
}

const ANY_POSTGRES_VARIABLE = 'VERROU_TEST_POSTGRES_URL'

/**
 * The servers that a selection needs. Who gives VERROU_TEST_POSTGRES_URL means that server instead of the versions we would start;
 * who selects a single version by name gets that version, and a version's own URL always counts.
 */
export function wantedServers(names: ReadonlySet<DatabaseName | ServerUrl>, environment: Environment): WantedServer[] {
  const servers: WantedServer[] = (Object.keys(VARIABLES) as ServerName[])
    .filter((name) => names.has(name))
    .map((name) => ({ name, variable: VARIABLES[name], givenUrl: environment[VARIABLES[name]] || undefined }))

  const anyPostgresUrl = environment[ANY_POSTGRES_VARIABLE]
  const isReplaced = ({ name, givenUrl }: WantedServer) => name.startsWith('postgres') && !givenUrl
  const areAllVersionsSelected = names.has('postgres-14') && names.has('postgres-18')
  if (!anyPostgresUrl || !areAllVersionsSelected || !servers.some(isReplaced)) return [...servers, ...byUrl(names)]

  const anyPostgres: WantedServer = { name: 'postgres', variable: ANY_POSTGRES_VARIABLE, givenUrl: anyPostgresUrl }
  return [anyPostgres, ...servers.filter((server) => !isReplaced(server)), ...byUrl(names)]
}

function byUrl(names: ReadonlySet<DatabaseName | ServerUrl>): WantedServer[] {
  return [...names].filter(isUrl).map((givenUrl) => ({ name: shown(givenUrl), variable: 'TEST_DATABASES', givenUrl }))
}

function isUrl(name: DatabaseName | ServerUrl): name is ServerUrl {
  return name.includes('://')
}

/** Reports show names. */
function shown(url: ServerUrl): ServerUrl {
  return Object.assign(new URL(url), { username: '', password: '' }).href as ServerUrl
}
