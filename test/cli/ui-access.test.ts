import { type IncomingHttpHeaders, type IncomingMessage, request } from 'node:http'
import { networkInterfaces } from 'node:os'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { isLoopbackAddress, isLoopbackName } from '../../src/cli/ui/loopback.ts'
import { refusalOf } from '../../src/cli/ui/refused-request.ts'
import type { Hold } from '../../src/index.ts'
import { emptyFolder, runVerrou } from '../support/cli.ts'
import { locksAt } from '../support/locks-at.ts'
import { type StartedUi, startedUi } from '../support/started-ui.ts'

interface Answer {
  readonly status: number
  readonly headers: IncomingHttpHeaders
  readonly body: string
}

const { folder, remove } = emptyFolder()
let readOnly: StartedUi
let readWrite: StartedUi
let locks: Awaited<ReturnType<typeof locksAt>>

beforeAll(async () => {
  await runVerrou(['migrate'], { cwd: folder })
  ;[readOnly, readWrite] = await Promise.all([
    startedUi([], { cwd: folder }),
    startedUi(['--read-write'], { cwd: folder }),
  ])
  locks = await locksAt(`sqlite:${folder}/verrou.db`)
})

afterAll(async () => {
  for (const ui of [readOnly, readWrite]) ui?.command.process.kill('SIGTERM')
  expect((await readOnly?.command.ended)?.code).toBe(0)
  await readWrite?.command.ended
  await locks?.close()
  remove()
})

/** What a program that is no browser gets: it can send any header. */
function ask(url: string, headers: Record<string, string> = {}, { method = 'GET', body = '' } = {}): Promise<Answer> {
  return new Promise((resolve, reject) => {
    const asking = request(url, { method, headers, agent: false }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (part) => {
        text += part
        // A stream of events never ends by itself.
        if (response.headers['content-type']?.startsWith('text/event-stream')) response.destroy()
      })
      const answer = () => resolve({ status: response.statusCode ?? 0, headers: response.headers, body: text })
      response.on('end', answer)
      response.on('close', answer)
    })
    asking.on('error', reject)
    asking.end(body)
  })
}

/** The cookie for the link of a page; each page is entered once. */
const COOKIES = new Map<StartedUi, Promise<string>>()

function cookieOf(ui: StartedUi): Promise<string> {
  const known = COOKIES.get(ui) ?? ask(ui.link).then(({ headers }) => headers['set-cookie']?.[0]?.split(';')[0] ?? '')
  COOKIES.set(ui, known)
  return known
}

describe('the page of verrou ui', () => {
  test.each(['/', '/app.js', '/api/stream', '/api/lock?key=a', '/nothing'])(
    '%s is refused without the token',
    async (path) => {
      const { status, headers, body } = await ask(readOnly.origin + path)
      expect(status).toBe(401)
      expect(body).toMatch(/opens with the link that `verrou ui` printed/)
      expect(headers['set-cookie']).toBeUndefined()
    },
  )

  test('is refused with a wrong token, which leaves the right one good', async () => {
    expect(await ask(`${readOnly.origin}/?token=${'x'.repeat(43)}`)).toMatchObject({ status: 401 })
    expect(await cookieOf(readOnly)).not.toBe('')
  })

  test('gives a cookie for the token, that no script and no other site can use, and the token is spent', async () => {
    const ui = await startedUi([], { cwd: folder })
    onTestFinished(() => void ui.command.process.kill())
    const { status, headers } = await ask(ui.link)
    expect({ status, refresh: headers.refresh }).toEqual({ status: 200, refresh: '0; url=/' })
    expect(headers['set-cookie']).toEqual([
      expect.stringMatching(/^verrou_ui_\d+=[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/$/),
    ])
    expect(await ask(ui.link)).toMatchObject({ status: 401 })
    ui.command.process.kill('SIGINT')
    expect(await ui.command.ended).toMatchObject({ code: 0 })
  })

  test('of one server is closed to the cookie of another', async () => {
    expect(await ask(`${readWrite.origin}/`, { cookie: await cookieOf(readOnly) })).toMatchObject({ status: 401 })
  })

  test('answers who has come with the link, and lets nothing be loaded from elsewhere', async () => {
    const { status, headers, body } = await ask(`${readOnly.origin}/`, { cookie: await cookieOf(readOnly) })
    expect(status).toBe(200)
    expect(body).not.toMatch(/(src|href)="(https?:)?\/\//)
    expect(body).not.toMatch(/<script>|<style|style=|onclick=/)
    expect(headers['content-security-policy']).toMatch(/^default-src 'self'; .*frame-ancestors 'none'/)
    expect(headers['content-security-policy']).not.toMatch(/unsafe|\*|http/)
    expect(headers).toMatchObject({
      'x-content-type-options': 'nosniff',
      'cache-control': 'no-store',
      'referrer-policy': 'no-referrer',
      'cross-origin-resource-policy': 'same-origin',
    })
    expect(headers['access-control-allow-origin']).toBeUndefined()
  })

  test('has no other files than its own', async () => {
    const cookie = await cookieOf(readOnly)
    for (const path of [
      '/../package.json',
      '/%2e%2e/package.json',
      '/tsconfig.json',
      '/__proto__',
      '//evil.example/',
    ]) {
      expect(await ask(readOnly.origin + path, { cookie })).toMatchObject({ status: 404 })
    }
  })
})

describe('with its cookie, a request is refused', () => {
  const askOwn = async (headers: Record<string, string>) =>
    ask(`${readOnly.origin}/api/stream`, { cookie: await cookieOf(readOnly), ...headers })

  test.each(['evil.example', 'evil.example:80', '127.0.0.1.evil.example', 'localhost.evil.example', '192.0.2.1'])(
    'that names the host %j',
    async (host) => {
      expect(await askOwn({ host })).toMatchObject({ status: 421 })
    },
  )

  test.each(['http://evil.example', 'null', 'http://127.0.0.1:1', 'https://127.0.0.1'])(
    'from the origin %s',
    async (origin) => {
      expect(await askOwn({ origin })).toMatchObject({ status: 403 })
    },
  )

  test.each(['cross-site', 'same-site'])('that a browser calls %s', async (site) => {
    expect(await askOwn({ 'sec-fetch-site': site, 'sec-fetch-mode': 'no-cors' })).toMatchObject({ status: 403 })
  })

  test('but not through a tunnel, where the port is another one', async () => {
    expect(await askOwn({ host: 'localhost:9999', origin: 'http://localhost:9999' })).toMatchObject({ status: 200 })
  })
})

describe('from other machines', () => {
  test.each(['0.0.0.0', 'example.com'])('--host %j is refused', async (host) => {
    const { code, stderr } = await runVerrou(['ui', '--host', host], { cwd: folder })
    expect({ code, lines: stderr.trim().split('\n').length }).toEqual({ code: 64, lines: 1 })
    expect(stderr).toMatch(/for this machine only.*ssh -L/)
  })

  test('nothing answers at the addresses that they see', async () => {
    const own = Object.values(networkInterfaces()).flatMap((addresses) => addresses ?? [])
    const { port } = new URL(readOnly.origin)
    for (const { address } of own.filter(({ internal, family }) => !internal && family === 'IPv4')) {
      await expect(ask(`http://${address}:${port}/`)).rejects.toThrow(/ECONNREFUSED/)
    }
  })

  test.each(['192.0.2.2', '10.0.0.1', '::ffff:192.0.2.2', 'fd00::2', '', undefined])(
    'a request from %s is refused, whatever it sends',
    (remoteAddress) => {
      const sent = { socket: { remoteAddress }, headers: { host: '127.0.0.1' }, method: 'GET' }
      expect(refusalOf(sent as unknown as IncomingMessage)).toMatchObject({ status: 403 })
    },
  )

  test('loopback is what no other machine can be', () => {
    expect(['127.0.0.1', '127.9.9.9', '::1', '::ffff:127.0.0.1'].map(isLoopbackAddress)).toEqual([
      true,
      true,
      true,
      true,
    ])
    expect(['localhost', '[::1]', '127.0.0.1'].map(isLoopbackName)).toEqual([true, true, true])
    expect(
      ['localhost.', '127.1', 'localhost.evil.example', '[::]', '::', '0.0.0.0', '192.0.2.1', ''].map(isLoopbackName),
    ).toEqual(Array(8).fill(false))
  })
})

describe('a release by force', () => {
  const post = async (ui: StartedUi, headers: Record<string, string>, body: unknown) => {
    const sent = { cookie: await cookieOf(ui), 'content-type': 'application/json', origin: ui.origin, ...headers }
    return ask(`${ui.origin}/api/release`, sent, { method: 'POST', body: JSON.stringify(body) })
  }
  const formTokenOf = async (ui: StartedUi) => {
    const { body } = await ask(`${ui.origin}/api/stream`, { cookie: await cookieOf(ui) })
    return /"formToken":"([\w-]+)"/.exec(body)?.[1]
  }
  const wishFor = ({ lock }: { lock: Hold }) => ({ key: lock.key, token: lock.fencingToken })

  test('does not exist on a read-only page', async () => {
    expect(await formTokenOf(readOnly)).toBeUndefined()
    const lock = await locks.locks.createLock('safe', '1m').hold()
    expect(await post(readOnly, { 'x-verrou-form-token': 'x' }, wishFor({ lock }))).toMatchObject({ status: 404 })
    await lock.extend()
    await lock.release()
  })

  test('needs the token of the page, the origin of the page, and JSON', async () => {
    const formToken = (await formTokenOf(readWrite)) ?? ''
    const lock = await locks.locks.createLock('guarded', '1m').hold()
    const own = { 'x-verrou-form-token': formToken }
    const wish = wishFor({ lock })
    expect(await post(readWrite, {}, wish)).toMatchObject({ status: 403 })
    expect(await post(readWrite, { 'x-verrou-form-token': 'x' }, wish)).toMatchObject({ status: 403 })
    expect(await post(readWrite, { ...own, origin: 'http://evil.example' }, wish)).toMatchObject({ status: 403 })
    expect(await post(readWrite, { ...own, cookie: '' }, wish)).toMatchObject({ status: 401 })
    expect(await post(readWrite, { ...own, 'content-type': 'text/plain' }, wish)).toMatchObject({ status: 400 })
    expect(await post(readWrite, own, { key: 'guarded' })).toMatchObject({ status: 400 })
    expect(await post(readWrite, own, { key: 'x'.repeat(9_000), token: 1 })).toMatchObject({ status: 400 })
    await lock.extend()
    await lock.release()
  })

  test('frees that very hold, and fences its holder out', async () => {
    const own = { 'x-verrou-form-token': (await formTokenOf(readWrite)) ?? '' }
    const lock = await locks.locks.createLock('evicted', '1m').hold()
    const wish = wishFor({ lock })
    const stale = await post(readWrite, own, { ...wish, token: Number(wish.token) - 1 })
    expect(stale).toMatchObject({ status: 409, body: expect.stringMatching(/somebody else holds it by now/) })
    const { status, body } = await post(readWrite, own, wish)
    expect({ status, ...JSON.parse(body) }).toEqual({ status: 200, evicted: expect.stringMatching(/:\d+$/) })
    await expect(lock.extend()).rejects.toMatchObject({ code: 'E_LOCK_LOST' })
    expect(await post(readWrite, own, wish)).toMatchObject({ status: 409 })
  })
})
