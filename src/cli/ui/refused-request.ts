import type { IncomingMessage } from 'node:http'
import { isLoopbackAddress, isLoopbackName } from './loopback.ts'

/** Why a request is not answered. */
export interface Refusal {
  readonly status: number
  readonly reason: string
}

/**
 * What no page of ours sends, and nobody from this machine: looked at before the token, so that a token is worth nothing elsewhere.
 *
 * @returns `null`: may be answered, to those who are known
 */
export function refusalOf(request: IncomingMessage): Refusal | null {
  if (!isLoopbackAddress(request.socket.remoteAddress ?? '')) {
    return { status: 403, reason: 'only this machine itself is answered' }
  }
  // DNS rebinding: a page of somebody's whose name suddenly resolves to 127.0.0.1 is of the same origin as we are, by that name.
  const host = request.headers.host ?? ''
  if (!isLoopbackName(nameOf(host))) {
    return { status: 421, reason: 'asked for by a name that is not this machine: use 127.0.0.1 or localhost' }
  }
  const { origin } = request.headers
  if (origin !== undefined && origin.toLowerCase() !== `http://${host.toLowerCase()}`) {
    return { status: 403, reason: 'asked by a page from elsewhere' }
  }
  return isFromElsewhere(request) ? { status: 403, reason: 'asked by a page from elsewhere' } : null
}

/** A link may lead here from anywhere; everything else is asked for by our own page. https://developer.mozilla.org/docs/Web/HTTP/Headers/Sec-Fetch-Site */
function isFromElsewhere({ method, headers }: IncomingMessage): boolean {
  const site = headers['sec-fetch-site']
  if (site === undefined || site === 'same-origin' || site === 'none') return false
  return !(method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document')
}

/** `127.0.0.1:8080`, `[::1]:8080`: without the port. Any port will do: a tunnel has its own. */
function nameOf(host: string): string {
  return host.replace(/:\d*$/, '')
}
