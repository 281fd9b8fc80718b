import { untilReady } from '../../servers/until-ready.ts'
import type { Endpoint } from '../databases/torture-database.ts'
import type { SupervisedServer } from './supervised-server.ts'

interface Server {
  readonly process: SupervisedServer
  /** Of the database that workers use. */
  readonly url: string
  readonly command: readonly string[]
  /** What is left to do when it answers, at every start: to join a cluster. */
  readonly join?: (url: string) => Promise<void>
}

/** A database server that may be hurt: it comes back on the same data and the same port. */
export class RestartableServer {
  readonly url: string
  readonly process: SupervisedServer
  readonly #command: readonly string[]
  readonly #join: ((url: string) => Promise<void>) | undefined
  #version = ''

  constructor({ process, url, command, join }: Server) {
    this.process = process
    this.url = url
    this.#command = command
    this.#join = join
  }

  get endpoint(): Endpoint {
    const { hostname, port } = new URL(this.url)
    return { host: hostname, port: Number(port) }
  }

  /** As it calls itself. */
  get version(): string {
    return this.#version
  }

  /** Starts it, and waits until it answers. */
  async start(...moreOptions: readonly string[]): Promise<void> {
    await this.process.start([...this.#command, ...moreOptions])
    this.#version = await untilReady(this.url, this.process)
    await this.#join?.(this.url)
  }

  /** Whatever has happened to it: afterwards it is up and, if it has a cluster, part of it. */
  async revive(): Promise<void> {
    if (!this.process.hasEnded()) {
      try {
        return await this.#join?.(this.url)
      } catch {
        // One that does not find back by itself, or that has given itself up, starts anew.
        await this.process.end()
      }
    }
    await this.start()
  }
}
