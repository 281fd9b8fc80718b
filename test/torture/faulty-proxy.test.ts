import { connect, createServer, type Server, type Socket } from 'node:net'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterEach, beforeEach, describe, expect, test, vi } from 'vitest'
import type { Endpoint } from './databases/torture-database.ts'
import { FaultyProxy } from './faulty-proxy.ts'

/** Answers what it is asked with the same text, in brackets. */
interface Echo {
  readonly endpoint: Endpoint
  readonly heard: string[]
  close(): Promise<void>
}

/** What one client heard, and how its connection stands. */
interface Client {
  readonly socket: Socket
  heard: string
  hasEnded: boolean
  isClosed: boolean
  error: string | undefined
}

/** Long enough for anything that passes at once to have passed. */
const MOMENT_MS = 60

let echo: Echo
let target: Endpoint | undefined
let proxy: FaultyProxy
const clients: Client[] = []

beforeEach(async () => {
  echo = await startEcho('')
  target = echo.endpoint
  proxy = await FaultyProxy.listen(() => target)
})
afterEach(async () => {
  for (const { socket } of clients.splice(0)) socket.destroy()
  await proxy.close()
  await echo.close()
})

test('passes what is asked and answered', async () => {
  const one = await opened()
  const other = await opened()
  one.socket.write('one')
  other.socket.write('other')
  await hears(one, '<one>')
  await hears(other, '<other>')
  expect(proxy.connections).toBe(2)
})

test('passes the end of a client, and then that of the server', async () => {
  const client = await opened()
  client.socket.end('last')
  await hears(client, '<last>')
  await until(() => expect(client.isClosed).toBe(true))
  expect(client.error).toBeUndefined()
  await until(() => expect(proxy.connections).toBe(0))
})

describe('cut', () => {
  test('one, counted round: both sides see a reset, the others nothing', async () => {
    const [first, second] = [await opened(), await opened()]
    proxy.cut(3)
    await until(() => expect(second.error).toBe('ECONNRESET'))
    await until(() => expect(echo.heard).toContain('ECONNRESET'))
    first.socket.write('still')
    await hears(first, '<still>')
    expect(first.error).toBeUndefined()
    expect(proxy.connections).toBe(1)
  })

  test('all; new ones can be made', async () => {
    const before = [await opened(), await opened()]
    proxy.cut('all')
    for (const client of before) await until(() => expect(client.error).toBe('ECONNRESET'))
    expect(proxy.connections).toBe(0)
    const after = await opened()
    after.socket.write('new')
    await hears(after, '<new>')
  })

  test('none, where there is none', () => {
    proxy.cut(0)
    proxy.cut('all')
    expect(proxy.connections).toBe(0)
  })
})

describe('half-close', () => {
  test('of the client’s side: it hears the end, and what it asks still arrives', async () => {
    const client = await opened()
    proxy.halfClose('all', 'client')
    await until(() => expect(client.hasEnded).toBe(true))
    client.socket.write('asked')
    await until(() => expect(echo.heard).toContain('asked'))
    await sleep(MOMENT_MS)
    expect(client.heard).toBe('')
    expect(client.error).toBeUndefined()
  })

  test('of the server’s side: the server hears the end, and nothing that is asked later', async () => {
    const [client, other] = [await opened(), await opened()]
    proxy.halfClose(0, 'server')
    await until(() => expect(echo.heard).toContain('end'))
    client.socket.write('lost')
    other.socket.write('kept')
    await hears(other, '<kept>')
    expect(echo.heard).not.toContain('lost')
  })
})

describe('silence', () => {
  test('of what is asked: it arrives later, in its order', async () => {
    const client = await opened()
    proxy.silence('asks')
    client.socket.write('one ')
    await sleep(MOMENT_MS / 2)
    client.socket.write('two')
    await sleep(MOMENT_MS)
    expect(echo.heard).toEqual([])
    proxy.unsilence('arrives')
    await until(() => expect(echo.heard.join('')).toBe('one two'))
  })

  test('of what is answered: the request is carried out', async () => {
    const client = await opened()
    proxy.silence('answers')
    client.socket.write('done')
    await until(() => expect(echo.heard).toContain('done'))
    await sleep(MOMENT_MS)
    expect(client.heard).toBe('')
    proxy.unsilence('arrives')
    await hears(client, '<done>')
  })

  test('of an end: it is not told either, until later', async () => {
    const client = await opened()
    proxy.silence('asks')
    client.socket.end()
    await sleep(MOMENT_MS)
    expect(echo.heard).not.toContain('end')
    proxy.unsilence('arrives')
    await until(() => expect(echo.heard).toContain('end'))
  })

  test('that turns out to be the end: what was held back never arrives', async () => {
    const client = await opened()
    proxy.silence('asks')
    client.socket.write('lost')
    await sleep(MOMENT_MS)
    proxy.unsilence('is lost')
    await until(() => expect(client.error).toBe('ECONNRESET'))
    const next = await opened()
    next.socket.write('next')
    await hears(next, '<next>')
    expect(echo.heard).not.toContain('lost')
  })

  test('that never was: nobody is cut', async () => {
    const client = await opened()
    proxy.unsilence('is lost')
    client.socket.write('here')
    await hears(client, '<here>')
  })
})

test('delay: so much each way, until it is over', async () => {
  const client = await opened()
  proxy.delay(80)
  const askedAt = performance.now()
  client.socket.write('slow')
  await hears(client, '<slow>')
  expect(performance.now() - askedAt).toBeGreaterThanOrEqual(155)
  proxy.delay(0)
  const againAt = performance.now()
  client.socket.write('fast')
  await hears(client, '<slow><fast>')
  expect(performance.now() - againAt).toBeLessThan(80)
})

test.each(['a delay that ends', 'a delay that is shortened', 'a silence that ends'])(
  'whatever is late, bytes arrive in their order: %s',
  async (what) => {
    const client = await opened()
    proxy.delay(120)
    client.socket.write('one ')
    await sleep(30)
    if (what === 'a silence that ends') proxy.silence('asks')
    else proxy.delay(what === 'a delay that ends' ? 0 : 20)
    client.socket.write('two')
    await sleep(30)
    proxy.unsilence('arrives')
    await until(() => expect(echo.heard.join('')).toBe('one two'))
  },
)

describe('losing an answer', () => {
  test('only that to a request that matches; the request is carried out', async () => {
    const [client, other] = [await opened(), await opened()]
    const hasHappened = proxy.loseAnswerTo(/commit/i)
    client.socket.write('begin')
    await hears(client, '<begin>')
    expect(hasHappened()).toBe(false)
    client.socket.write('COMMIT')
    await until(() => expect(client.error).toBe('ECONNRESET'))
    expect(client.heard).toBe('<begin>')
    expect(echo.heard).toContain('COMMIT')
    expect(hasHappened()).toBe(true)

    other.socket.write('commit')
    await hears(other, '<commit>')
  })

  test('not any more, once that is called off', async () => {
    const client = await opened()
    const hasHappened = proxy.loseAnswerTo(/commit/)
    expect(hasHappened()).toBe(false)
    proxy.loseNoAnswer()
    client.socket.write('commit')
    await hears(client, '<commit>')
  })
})

describe('where it leads', () => {
  test('new connections follow the server, old ones stay', async () => {
    const standby = await startEcho('standby:')
    const old = await opened()
    target = standby.endpoint
    const moved = await opened()
    moved.socket.write('who')
    old.socket.write('who')
    await hears(moved, '<standby:who>')
    await hears(old, '<who>')
    proxy.cut('all')
    await standby.close()
  })

  test('nowhere, or to a server that is down: the connection ends at once', async () => {
    const down = await startEcho('')
    await down.close()
    for (const nowhere of [undefined, down.endpoint]) {
      target = nowhere
      const client = await opened()
      await until(() => expect(client.hasEnded || client.error !== undefined).toBe(true))
    }
    expect(proxy.connections).toBe(0)
  })
})

test('closing ends all, whatever was going on, and leaves no handle', async () => {
  // Those of the proxy and the server of every test.
  await until(() => expect(handles()).toEqual(['TCPServerWrap', 'TCPServerWrap']))
  const closed = await FaultyProxy.listen(() => target)
  const through = [await opened(closed.port), await opened(closed.port), await opened(closed.port)]
  closed.silence('asks')
  for (const { socket } of through) socket.write('x')
  await sleep(MOMENT_MS)
  // A goodbye that is still on its way is what a reset would leave open for ever.
  closed.halfClose(0, 'client')
  closed.halfClose(1, 'server')
  await closed.close()
  for (const { socket } of through) socket.destroy()
  await until(() => expect(handles()).toEqual(['TCPServerWrap', 'TCPServerWrap']))
  const refused = newClient(closed.port)
  await until(() => expect(refused.error).toBe('ECONNREFUSED'))
})

function handles(): string[] {
  return process
    .getActiveResourcesInfo()
    .filter((name) => name.startsWith('TCP'))
    .sort()
}

/** A client whose connection leads through to the server, or nowhere. */
async function opened(port = proxy.port): Promise<Client> {
  const client = newClient(port)
  await until(() => expect(client.socket.connecting).toBe(false))
  // The proxy has accepted it, and its own connection stands.
  await sleep(10)
  return client
}

function newClient(port: number): Client {
  const socket = connect({ port, host: '127.0.0.1', allowHalfOpen: true })
  const client: Client = { socket, heard: '', hasEnded: false, isClosed: false, error: undefined }
  clients.push(client)
  socket.on('data', (data) => {
    client.heard += data.toString()
  })
  socket.on('end', () => {
    client.hasEnded = true
  })
  socket.on('close', () => {
    client.isClosed = true
  })
  socket.on('error', (error: NodeJS.ErrnoException) => {
    client.error = error.code
  })
  return client
}

function until(check: () => void): Promise<void> {
  return vi.waitFor(check, { interval: 5, timeout: 5_000 })
}

async function hears(client: Client, text: string): Promise<void> {
  await until(() => expect(client.heard).toBe(text))
}

async function startEcho(name: string): Promise<Echo> {
  const heard: string[] = []
  const sockets = new Set<Socket>()
  const server: Server = createServer({ allowHalfOpen: true }, (socket) => {
    sockets.add(socket)
    socket.setNoDelay(true)
    socket.on('data', (data) => {
      heard.push(data.toString())
      socket.write(`<${name}${data}>`)
    })
    socket.on('end', () => {
      heard.push('end')
      socket.end()
    })
    socket.on('error', (error: NodeJS.ErrnoException) => heard.push(String(error.code)))
    socket.on('close', () => sockets.delete(socket))
  })
  await new Promise<void>((listening) => server.listen(0, '127.0.0.1', listening))
  const address = server.address()
  if (typeof address !== 'object' || address === null) throw new Error('the echo has no port')
  return {
    endpoint: { host: '127.0.0.1', port: address.port },
    heard,
    async close() {
      for (const socket of sockets) socket.destroy()
      await new Promise((closed) => server.close(closed))
    },
  }
}
