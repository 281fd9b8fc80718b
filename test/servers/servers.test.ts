import { connect } from 'node:net'
import { networkInterfaces } from 'node:os'
import { createConnection, type RowDataPacket } from 'mysql2/promise'
import { Client } from 'pg'
import { describe, expect, test } from 'vitest'
import { BACKENDS, type Backend } from '../support/backends.ts'
import { parseSelection } from './selection.ts'
import { wantedServers } from './wanted-servers.ts'

const GIVEN_NAMES = wantedServers(parseSelection(process.env.TEST_DATABASES).names, process.env)
  .filter(({ givenUrl }) => givenUrl)
  .map(({ name }) => name)

const VERSIONS: Record<string, RegExp> = {
  postgres: /^\d+/,
  'postgres-14': /^14\./,
  'postgres-18': /^18\./,
  mysql: /^\d+\.\d+\.\d+(?!.*MariaDB)/,
  mariadb: /^\d+\.\d+\.\d+.*MariaDB/,
}

describe.each(BACKENDS)('$name', (backend) => {
  test('is the database that its name says', () => {
    // Of one that somebody gives by URL, the name says nothing.
    expect(backend.version).toMatch(VERSIONS[backend.name] ?? /./)
  })

  test('answers a query in the database of its URL', async () => {
    expect(
      await query(
        backend,
        `select 1 as one, ${backend.family === 'postgres' ? 'current_database()' : 'database()'} as name`,
      ),
    ).toEqual({
      one: 1,
      name: new URL(backend.url).pathname.slice(1),
    })
  })

  // Of a server that somebody else started it is no business of ours. Tests that run in a container themselves, with the host's
  // Docker engine, reach theirs at the gateway's address.
  const isOurs = !GIVEN_NAMES.includes(backend.name) && new URL(backend.url).hostname === '127.0.0.1'
  test.runIf(isOurs)('listens on 127.0.0.1 only', async () => {
    const port = Number(new URL(backend.url).port)
    expect(await accepts('127.0.0.1', port)).toBe(true)
    for (const address of otherAddresses()) expect([address, await accepts(address, port)]).toEqual([address, false])
  })

  test('has room for the connections of all workers', async () => {
    const setting = backend.family === 'postgres' ? `current_setting('max_connections')::int` : '@@max_connections'
    const { room } = await query(backend, `select ${setting} as room`)
    expect(room).toBeGreaterThanOrEqual(100)
  })
})

async function query({ family, url }: Backend, text: string): Promise<Record<string, unknown>> {
  return family === 'postgres' ? await queryPostgres(url, text) : await queryMysql(url, text)
}

async function queryPostgres(url: string, text: string) {
  const client = new Client(url)
  await client.connect()
  try {
    return (await client.query(text)).rows[0]
  } finally {
    await client.end()
  }
}

async function queryMysql(url: string, text: string) {
  const connection = await createConnection(url)
  try {
    const [rows] = await connection.query<RowDataPacket[]>(text)
    return { ...rows[0] }
  } finally {
    await connection.end()
  }
}

/** Addresses of this machine that a server on all interfaces would answer on. Linux answers for all of 127.0.0.0/8. */
function otherAddresses(): string[] {
  const external = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
  return [
    '127.0.0.2',
    '::1',
    ...external.filter(({ internal, family }) => !internal && family === 'IPv4').map(({ address }) => address),
  ]
}

function accepts(host: string, port: number): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = connect({ host, port, timeout: 1_000 })
    const finish = (isAccepted: boolean) => {
      socket.destroy()
      resolve(isAccepted)
    }
    socket.once('connect', () => finish(true))
    socket.once('timeout', () => finish(false))
    socket.once('error', () => finish(false))
  })
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
