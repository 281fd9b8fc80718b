import { expect, test } from 'vitest'
import { DATABASES, parseSelection } from './selection.ts'
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
    'TEST_DATABASES names an unknown database "oracle". Valid names, separated by commas: postgres, postgres-14, postgres-18, mysql, mariadb, sqlite, memory',
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
