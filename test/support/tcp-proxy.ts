import { connect, createServer, type Server, type Socket } from 'node:net'
import { freePort } from '../servers/free-port.ts'

/** A connection that goes through the proxy. */
interface Link {
  readonly client: Socket
  readonly server: Socket
}

/**
 * Stands between a driver and its server, to break the connection at a chosen moment: what a test sees of it is what
 * a network, a failover or a killed session would do.
 */
export class TcpProxy {
  readonly port: number
  readonly #target: { readonly host: string; readonly port: number }
  readonly #links = new Set<Link>()
  #server: Server | undefined
  #losesNextReply = false
  #isMute = false
  /** Statements that have passed: chunks from the client since {@link countFrom}. */
  requests = 0

  private constructor(port: number, target: { host: string; port: number }) {
    this.port = port
    this.#target = target
  }

  /** A proxy to the server of the URL. It listens once {@link up} was called. */
  static async to(url: string): Promise<TcpProxy> {
    const { hostname, port } = new URL(url)
    return new TcpProxy(await freePort(), { host: hostname, port: Number(port) })
  }

  /** The URL of the same database through the proxy. */
  through(url: string): string {
    const proxied = new URL(url)
    proxied.hostname = '127.0.0.1'
    proxied.port = String(this.port)
    return proxied.href
  }

  /** Takes connections. */
  async up(): Promise<void> {
    this.#isMute = false
    const server = createServer((client) => this.#link(client))
    this.#server = server
    await new Promise<void>((listening) => server.listen(this.port, '127.0.0.1', listening))
  }

  /** Refuses connections, and breaks those there are: the server is down. */
  async down(): Promise<void> {
    const server = this.#server
    this.#server = undefined
    for (const link of this.#links) this.#cut(link)
    if (server) await new Promise((closed) => server.close(closed))
  }

  /** The reply to the next request is lost together with the connection, after the server has done what it was asked. */
  loseNextReply(): void {
    this.#losesNextReply = true
  }

  /** Nothing comes back any more, and nobody is told: a network that has gone silent. */
  mute(): void {
    this.#isMute = true
  }

  /** What was held back arrives. */
  unmute(): void {
    this.#isMute = false
    for (const { server } of this.#links) server.resume()
  }

  #link(client: Socket): void {
    const link: Link = { client, server: connect(this.#target) }
    this.#links.add(link)
    const { server } = link
    let isDoomed = false
    client.setNoDelay(true)
    server.setNoDelay(true)
    client.on('data', (data) => {
      this.requests++
      if (this.#losesNextReply) {
        this.#losesNextReply = false
        isDoomed = true
      }
      server.write(data)
    })
    server.on('data', (data) => {
      if (isDoomed) this.#cut(link)
      else if (this.#isMute) {
        server.pause()
        server.unshift(data)
      } else client.write(data)
    })
    for (const socket of [client, server]) {
      socket.on('error', () => this.#cut(link))
      socket.on('close', () => this.#cut(link))
    }
  }

  #cut(link: Link): void {
    this.#links.delete(link)
    link.client.destroy()
    link.server.destroy()
  }
}
