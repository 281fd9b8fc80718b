import { createHash, randomBytes, timingSafeEqual } from 'node:crypto'
import type { IncomingMessage } from 'node:http'

/** Who may look: whoever has come once with the link that was printed. */
export class UiAccess {
  /** In the link. Good for one use: what is in a URL is in the browser's history, and on the screen. */
  readonly linkToken = newSecret()
  /** Sent along by our page with everything that changes something; a page from elsewhere cannot read it. */
  readonly formToken = newSecret()
  readonly #cookieValue = newSecret()
  readonly #cookieName: string
  #isSpent = false

  /** @param port cookies are shared by all ports of a host: each server has one of its own */
  constructor(port: number) {
    this.#cookieName = `verrou_ui_${port}`
  }

  /** @returns the cookie for the token of the link; `null`: it is not the token, or was used before */
  spend(token: string): string | null {
    if (this.#isSpent || !isSame(token, this.linkToken)) return null
    this.#isSpent = true
    return `${this.#cookieName}=${this.#cookieValue}; HttpOnly; SameSite=Strict; Path=/`
  }

  /** Whether the request comes from a browser that has spent the token. */
  isKnown({ headers }: IncomingMessage): boolean {
    const cookies = (headers.cookie ?? '').split(';').map((cookie) => cookie.trim().split('='))
    return cookies.some(([name, value]) => name === this.#cookieName && isSame(value ?? '', this.#cookieValue))
  }

  /** Whether the request was written by our page. */
  isOwnForm({ headers }: IncomingMessage): boolean {
    const given = headers['x-verrou-form-token']
    return typeof given === 'string' && headers.origin !== undefined && isSame(given, this.formToken)
  }
}

function newSecret(): string {
  return randomBytes(32).toString('base64url')
}

/** Takes as long for a wrong one as for a right one. */
function isSame(given: string, secret: string): boolean {
  const digest = (text: string) => createHash('sha256').update(text).digest()
  return timingSafeEqual(digest(given), digest(secret))
}
