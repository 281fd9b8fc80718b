import type { IncomingMessage, ServerResponse } from 'node:http'
import { isLockError, type LockFactory } from '../../index.ts'
import { LockWatch } from '../watching/lock-watch.ts'
import { lockJson } from './lock-json.ts'
import { streamLocks } from './lock-stream.ts'
import { readPageFiles } from './page-files.ts'
import { refusalOf } from './refused-request.ts'
import { releaseLock } from './release-lock.ts'
import type { UiAccess } from './ui-access.ts'

/** What the page is about. */
export interface Shown {
  readonly locks: LockFactory
  /** For people. */
  readonly database: { readonly url: string; readonly dialect: string }
  /** Whether locks can be released. */
  readonly isReadWrite: boolean
  /** One line, without secrets, for an error of the database. */
  readonly reasonOf: (error: unknown) => string
}

/** What changes is on the page within a second, also when a look at 10,000 locks takes as long as half of this. */
const LOOK_EVERY_MS = 400

const HEADERS = {
  'Content-Security-Policy':
    "default-src 'self'; object-src 'none'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'; require-trusted-types-for 'script'; trusted-types 'none'",
  'X-Content-Type-Options': 'nosniff',
  'X-Frame-Options': 'DENY',
  'Referrer-Policy': 'no-referrer',
  'Cross-Origin-Opener-Policy': 'same-origin',
  'Cross-Origin-Resource-Policy': 'same-origin',
  'Cache-Control': 'no-store',
}

/** Answers requests: first whether they are answered at all, then with files of the page and what is known of the locks. */
export class UiPages {
  readonly access: UiAccess
  readonly #shown: Shown
  readonly #files = readPageFiles()
  readonly #held: LockWatch
  /** Of free keys, too: looks while a page shows them. */
  #all: { watch: LockWatch; pages: number } | undefined

  constructor(shown: Shown, access: UiAccess) {
    this.#shown = shown
    this.access = access
    this.#held = this.#watch('held')
  }

  close(): void {
    this.#held.stop()
    this.#all?.watch.stop()
  }

  async answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    for (const [name, value] of Object.entries(HEADERS)) response.setHeader(name, value)
    try {
      await this.#answer(request, response)
    } catch (error) {
      if (response.headersSent) response.destroy()
      else sendJson(response, isLockError(error, 'E_INVALID_KEY') ? 400 : 503, { error: this.#shown.reasonOf(error) })
    }
  }

  async #answer(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const refusal = refusalOf(request)
    if (refusal) return sendText(response, refusal.status, refusal.reason)
    const url = URL.parse(`http://localhost${request.url}`)
    if (!url) return sendText(response, 400, 'that is no address')
    const token = url.searchParams.get('token')
    if (request.method === 'GET' && url.pathname === '/' && token !== null) return this.#enter(request, response, token)
    if (!this.access.isKnown(request)) return sendText(response, 401, NEEDS_LINK)
    if (request.method === 'GET') return this.#get(url, response)
    if (request.method === 'POST' && url.pathname === '/api/release' && this.#shown.isReadWrite) {
      return this.#release(request, response)
    }
    return sendText(response, 404, 'there is nothing here')
  }

  #enter(request: IncomingMessage, response: ServerResponse, token: string): void {
    const cookie = this.access.spend(token)
    if (cookie === null && !this.access.isKnown(request)) {
      sendText(response, 401, NEEDS_LINK)
      return
    }
    if (cookie !== null) response.setHeader('Set-Cookie', cookie)
    // Not a redirect: a browser that followed a link from another page would not send the strict cookie along with it.
    response.setHeader('Refresh', '0; url=/')
    send(response, 200, 'text/html; charset=utf-8', ENTER_PAGE)
  }

  async #get(url: URL, response: ServerResponse): Promise<void> {
    if (url.pathname === '/api/stream') return this.#stream(url.searchParams.get('state') === 'all', response)
    if (url.pathname === '/api/lock') return this.#inspect(url.searchParams.get('key') ?? '', response)
    const file = this.#files.get(url.pathname)
    if (!file) return sendText(response, 404, 'there is nothing here')
    send(response, 200, file.type, file.content)
  }

  #stream(isWithFree: boolean, response: ServerResponse): void {
    const { database, isReadWrite } = this.#shown
    const hello = { database, isReadWrite, formToken: isReadWrite ? this.access.formToken : null }
    const locks = isWithFree ? this.#watchAll(response) : this.#held
    streamLocks(response, { locks, times: this.#held }, hello)
  }

  async #inspect(key: string, response: ServerResponse): Promise<void> {
    const lock = await this.#shown.locks.inspect(key)
    const past = this.#held.past.of(key)
    sendJson(response, 200, { lock: lock && lockJson(lock, this.#held.waits.sinceMs(key)), past })
  }

  async #release(request: IncomingMessage, response: ServerResponse): Promise<void> {
    if (!this.access.isOwnForm(request)) return sendJson(response, 403, { error: 'asked by a page from elsewhere' })
    const { status, body } = await releaseLock(this.#shown.locks, request)
    sendJson(response, status, body)
  }

  #watchAll(response: ServerResponse): LockWatch {
    this.#all ??= { watch: this.#watch('all'), pages: 0 }
    const all = this.#all
    all.pages++
    response.on('close', () => {
      if (--all.pages > 0) return
      all.watch.stop()
      this.#all = undefined
    })
    return all.watch
  }

  #watch(state: 'held' | 'all'): LockWatch {
    const { locks, reasonOf } = this.#shown
    const watch = new LockWatch(locks, { state, everyMs: LOOK_EVERY_MS, reasonOf })
    void watch.run()
    return watch
  }
}

const NEEDS_LINK =
  'This page opens with the link that `verrou ui` printed. A link works once, in one browser: stop `verrou ui` and start it again for a new one.'

const ENTER_PAGE =
  '<!doctype html><html lang="en"><meta charset="utf-8"><link rel="icon" href="/icon.svg"><title>verrou</title><p>Opening <a href="/">the locks</a> …</p></html>'

function send(response: ServerResponse, status: number, type: string, content: string | Buffer): void {
  response.writeHead(status, { 'Content-Type': type }).end(content)
}

function sendText(response: ServerResponse, status: number, text: string): void {
  send(response, status, 'text/plain; charset=utf-8', `${text}\n`)
}

function sendJson(response: ServerResponse, status: number, body: object): void {
  send(response, status, 'application/json; charset=utf-8', JSON.stringify(body))
}
