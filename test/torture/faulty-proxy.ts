import { connect, createServer, type Server, type Socket } from 'node:net'
import type { Endpoint } from './databases/torture-database.ts'

/** One connection through the proxy. */
interface Link {
  readonly client: Socket
  readonly server: Socket
  /** The next answer of the server is not passed on; the connection breaks instead. */
  isDoomed: boolean
}

/** Which way bytes go: what the worker asks, or what the server answers. */
export type Direction = 'asks' | 'answers'

/** Stands between one worker and its server, and makes trouble there when told to. New connections go to where the server is now. */
export class FaultyProxy {
  readonly #endpoint: () => Endpoint | undefined
  readonly #links = new Set<Link>()
  readonly #silenced = new Set<Direction>()
  /** What is held back, by the socket that it goes to: however late, the bytes of a connection arrive in their order. */
  readonly #late = new Map<Socket, { readonly dueMs: number; readonly write: () => void }[]>()
  #server: Server | undefined
  #delayMs = 0
  #wanted: RegExp | undefined
  #port = 0

  private constructor(endpoint: () => Endpoint | undefined) {
    this.#endpoint = endpoint
  }

  /** Listens on a port of its own. */
  static async listen(endpoint: () => Endpoint | undefined): Promise<FaultyProxy> {
    const proxy = new FaultyProxy(endpoint)
    await proxy.#listen()
    return proxy
  }

  get port(): number {
    return this.#port
  }

  /** Connections there are now. */
  get connections(): number {
    return this.#links.size
  }

  /** Breaks all connections, or one: the n-th of those there are, counted round and round. */
  cut(which: number | 'all'): void {
    for (const link of this.#chosen(which)) this.#break(link)
  }

  /** One side says that it sends no more (FIN), while the other direction stays open: a half-dead peer. */
  halfClose(which: number | 'all', side: 'client' | 'server'): void {
    for (const link of this.#chosen(which)) link[side].end()
  }

  /** Nothing passes any more in this direction, and nobody is told. */
  silence(direction: Direction): void {
    this.#silenced.add(direction)
  }

  /** What was held back arrives, late; or the connections that were silent turn out to be dead. */
  unsilence(how: 'arrives' | 'is lost'): void {
    const wasSilent = this.#silenced.size > 0
    this.#silenced.clear()
    if (wasSilent && how === 'is lost') this.cut('all')
    for (const { client, server } of this.#links) {
      this.#deliver('asks', server)
      this.#deliver('answers', client)
    }
  }

  /** Everything takes longer by so much in each direction. */
  delay(ms: number): void {
    this.#delayMs = ms
  }

  /**
   * The next request that matches is carried out, and its answer lost together with the connection.
   *
   * @returns whether it has happened since
   */
  loseAnswerTo(request: RegExp): () => boolean {
    this.#wanted = request
    return () => this.#wanted !== request
  }

  /** No answer is lost that has not been by now. */
  loseNoAnswer(): void {
    this.#wanted = undefined
  }

  async close(): Promise<void> {
    this.cut('all')
    await new Promise((closed) => this.#server?.close(closed))
  }

  async #listen(): Promise<void> {
    const server = createServer({ allowHalfOpen: true }, (client) => this.#link(client))
    this.#server = server
    await new Promise<void>((listening) => server.listen(this.#port, '127.0.0.1', listening))
    const address = server.address()
    if (typeof address === 'object' && address) this.#port = address.port
  }

  #link(client: Socket): void {
    const endpoint = this.#endpoint()
    if (endpoint === undefined) return void client.destroy()
    const link: Link = { client, server: connect({ ...endpoint, allowHalfOpen: true }), isDoomed: false }
    this.#links.add(link)
    const { server } = link
    client.on('data', (data) => {
      if (this.#wanted?.test(data.toString('latin1'))) {
        this.#wanted = undefined
        link.isDoomed = true
      }
      this.#pass('asks', server, data)
    })
    server.on('data', (data) => {
      if (link.isDoomed) this.#break(link)
      else this.#pass('answers', client, data)
    })
    client.on('end', () => this.#pass('asks', server, undefined))
    server.on('end', () => this.#pass('answers', client, undefined))
    for (const socket of [client, server]) {
      socket.setNoDelay(true)
      socket.on('error', () => this.#break(link))
      socket.on('close', () => this.#break(link))
    }
  }

  /** `undefined`: the end. */
  #pass(direction: Direction, to: Socket, data: Buffer | undefined): void {
    const write = () => {
      if (to.destroyed || to.writableEnded) return
      if (data === undefined) to.end()
      else to.write(data)
    }
    const late = this.#late.get(to) ?? []
    this.#late.set(to, late)
    late.push({ dueMs: performance.now() + this.#delayMs, write })
    this.#deliver(direction, to)
  }

  #deliver(direction: Direction, to: Socket): void {
    const late = this.#late.get(to)
    for (let next = late?.[0]; next && !this.#silenced.has(direction); next = late?.[0]) {
      const leftMs = next.dueMs - performance.now()
      if (leftMs > 0) return void setTimeout(() => this.#deliver(direction, to), leftMs)
      late?.shift()
      next.write()
    }
  }

  #chosen(which: number | 'all'): Link[] {
    const links = [...this.#links]
    if (which === 'all') return links
    return links.length === 0 ? [] : links.slice(which % links.length, (which % links.length) + 1)
  }

  /** Both sides see a reset, as after a firewall or a machine that is gone. */
  #break(link: Link): void {
    if (!this.#links.delete(link)) return
    this.#late.delete(link.client)
    this.#late.delete(link.server)
    reset(link.client)
    reset(link.server)
  }
}

/** A socket that has been half-closed by us cannot be reset any more: its handle would never be closed, and keep the process from ending. */
function reset(socket: Socket): void {
  if (socket.writableEnded) socket.destroy()
  else socket.resetAndDestroy()
}
