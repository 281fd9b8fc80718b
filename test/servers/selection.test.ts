import { expect, test } from 'vitest'
import { notRunLines } from './not-run.ts'
import { DATABASES, parseSelection } from './selection.ts'
import { startServers } from './start-servers.ts'
import { wantedServers } from './wanted-servers.ts'

const ALL = new Set(DATABASES)

test('without TEST_DATABASES every database is selected, and none of them is a must', () => {
  expect(parseSelection(undefined)).toEqual({ names: ALL, isExplicit: false })
  expect(parseSelection(' , ')).toEqual({ names: ALL, isExplicit: false })
})

test('a database named in TEST_DATABASES is a must', () => {
  expect(parseSelection('mysql, sqlite')).toEqual({ names: new Set(['mysql', 'sqlite']), isExplicit: true })
})

test('postgres selects both versions, a version only itself', () => {
  expect(parseSelection('postgres').names).toEqual(new Set(['postgres-14', 'postgres-18']))
  expect(parseSelection('postgres-14').names).toEqual(new Set(['postgres-14']))
})

test('an unknown name is refused with the list of valid ones', () => {
  expect(() => parseSelection('sqlite,oracle')).toThrow(
    'TEST_DATABASES names an unknown database "oracle". Valid names, separated by commas: postgres, postgres-14, postgres-18, mysql, mariadb, sqlite, memory; or URLs: postgres://…, mysql://…',
  )
})

test('databases without a server want none', () => {
  expect(wantedServers(parseSelection('sqlite,memory').names, {})).toEqual([])
})

test('VERROU_TEST_POSTGRES_URL stands for every Postgres version that has no URL of its own', () => {
  const url = 'postgres://elsewhere/test'
  const names = (environment: Record<string, string>, selected = 'postgres') =>
    wantedServers(parseSelection(selected).names, environment).map(({ name }) => name)

  expect(names({})).toEqual(['postgres-14', 'postgres-18'])
  expect(names({ VERROU_TEST_POSTGRES_URL: url })).toEqual(['postgres'])
  expect(names({ VERROU_TEST_POSTGRES_URL: url, VERROU_TEST_POSTGRES_14_URL: url })).toEqual([
    'postgres',
    'postgres-14',
  ])
  expect(
    names({ VERROU_TEST_POSTGRES_URL: url, VERROU_TEST_POSTGRES_14_URL: url, VERROU_TEST_POSTGRES_18_URL: url }),
  ).toEqual(['postgres-14', 'postgres-18'])
  // Somebody who asks for a version gets that version.
  expect(names({ VERROU_TEST_POSTGRES_URL: url }, 'postgres-14')).toEqual(['postgres-14'])
})

test('an empty URL counts as none', () => {
  const [mysql] = wantedServers(parseSelection('mysql').names, { VERROU_TEST_MYSQL_URL: '' })
  expect(mysql).toMatchObject({ name: 'mysql', givenUrl: undefined })
})

test('a server can be named by its URL, with the option of its stores, beside other names', () => {
  const cockroach = 'postgres://root@127.0.0.1:26257/defaultdb?portable=true'
  const tidb = 'mysql://root:secret@127.0.0.1:4000/test'
  const { names, isExplicit } = parseSelection(`sqlite, ${cockroach},${tidb},mysql`)
  expect([...names]).toEqual(['sqlite', cockroach, tidb, 'mysql'])
  expect(isExplicit).toBe(true)
  // Nobody's password is shown.
  expect(wantedServers(names, { VERROU_TEST_POSTGRES_URL: 'postgres://elsewhere/test' })).toMatchObject([
    { name: 'mysql', variable: 'VERROU_TEST_MYSQL_URL' },
    {
      name: 'postgres://127.0.0.1:26257/defaultdb?portable=true',
      variable: 'TEST_DATABASES',
      givenUrl: cockroach,
    },
    { name: 'mysql://127.0.0.1:4000/test', variable: 'TEST_DATABASES', givenUrl: tidb },
  ])
})

test('a server of a URL comes beside the one that stands for every version of Postgres', () => {
  const names = wantedServers(parseSelection('postgres,postgresql://here/test').names, {
    VERROU_TEST_POSTGRES_URL: 'postgres://elsewhere/test',
  }).map(({ name }) => name)
  expect(names).toEqual(['postgres', 'postgresql://here/test'])
})

test.each([
  ['oracle://a:secret@b/c', 'begins with "oracle://"'],
  ['mysql://a:secret@b', 'without a database'],
  ['mysql://a:secret@b:port/c', 'cannot be read'],
  ['postgres://a:secret@b/c?portable=yes', 'portable=yes; it is true or false'],
])('a URL that cannot be used is refused, without its password: %s', (url, reason) => {
  let message = ''
  try {
    parseSelection(url)
  } catch (error) {
    message = String(error)
  }
  expect(message).toContain(reason)
  expect(message).not.toContain('secret')
})

test('a server of a URL that does not answer is named, and is not replaced by one of ours', async () => {
  const [wanted] = wantedServers(parseSelection('postgres://a:secret@127.0.0.1:1/test?portable=true').names, {})
  const { started, missing } = await startServers(wanted ? [wanted] : [])
  expect(started).toEqual([])
  expect(missing).toMatchObject([{ reason: expect.stringMatching(/^TEST_DATABASES does not answer: .*ECONNREFUSED/) }])
  expect(notRunLines(missing)).toEqual([
    expect.stringContaining('NOT RUN: postgres://127.0.0.1:1/test?portable=true – TEST_DATABASES does not answer'),
    expect.stringContaining('to get it: start it, and give the URL of a database that exists'),
  ])
})
