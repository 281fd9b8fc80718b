import { failureReason } from '../../test/servers/failure-reason.ts'
import { NotRun } from '../not-run.ts'
import type { BenchServer, ServerName } from './bench-server.ts'
import { obtainServer } from './obtain-server.ts'

/** The servers of one run: each is started when the first scenario needs it. */
export class BenchServers {
  readonly #obtained = new Map<ServerName, Promise<BenchServer>>()

  /** @throws NotRun where it cannot be had. */
  async get(name: ServerName): Promise<BenchServer> {
    const obtained = this.#obtained.get(name) ?? obtainServer(name, process.env)
    this.#obtained.set(name, obtained)
    try {
      return await obtained
    } catch (error) {
      throw new NotRun(`${name} cannot be had: ${failureReason(error)}`, { cause: error })
    }
  }

  /** Those that were used. */
  async used(): Promise<BenchServer[]> {
    const settled = await Promise.allSettled(this.#obtained.values())
    return settled.filter((one) => one.status === 'fulfilled').map(({ value }) => value)
  }

  async stop(): Promise<void> {
    await Promise.all((await this.used()).map((server) => server.stop()))
  }
}
