import type { Backend } from '../../../../support/backends.ts'
import type { FaultDetails, FaultKind } from '../../../fault.ts'
import { serverFaults } from '../server-faults.ts'
import type { TestedServer, WorkerSession } from './tested-server.ts'

const NEVER = new AbortController().signal
const LONG_MS = 20_000

/** What the tests of a server are given. Its server is there when they run. */
export class Tested {
  readonly name: Backend['name']
  readonly family: Backend['family']
  readonly kinds: readonly FaultKind[]
  readonly #workers: WorkerSession[] = []
  server!: TestedServer
  canDump = false

  constructor({ name, family }: Backend) {
    this.name = name
    this.family = family
    this.kinds = serverFaults(family)
  }

  inject(name: string, details: FaultDetails, signal = NEVER, adminUrl?: string): Promise<void> {
    const kind = this.kinds.find((one) => one.name === name)
    if (!kind) throw new Error(`no fault is named ${name}`)
    return kind.inject(details, this.server.scene(adminUrl), signal)
  }

  /** The same, until it is told to end. */
  begin(name: string, details: FaultDetails, adminUrl?: string): { end(): Promise<void> } {
    const early = new AbortController()
    const fault = this.inject(name, { ...details, forMs: LONG_MS }, early.signal, adminUrl)
    // Heard of by whoever ends it.
    fault.catch(() => {})
    return {
      end() {
        early.abort()
        return fault
      },
    }
  }

  /** A session of a worker, until the test ends. */
  async worker(): Promise<WorkerSession> {
    const opened = await this.server.openWorker()
    this.#workers.push(opened)
    return opened
  }

  closeWorkers(): void {
    for (const worker of this.#workers.splice(0)) worker.close()
  }

  /** The only value of the only row, as a new session of a worker sees it. */
  async inNewSession(sql: string): Promise<unknown> {
    const worker = await this.server.openWorker()
    try {
      const [row] = await worker.query(sql)
      return Object.values(row ?? {})[0]
    } finally {
      worker.close()
    }
  }
}

/** Which of the sessions still answer. */
export async function alive(sessions: readonly WorkerSession[]): Promise<boolean[]> {
  const answers = await Promise.allSettled(sessions.map((session) => session.query('select 1')))
  return answers.map(({ status }) => status === 'fulfilled')
}
