import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { NotRun } from '../not-run.ts'
import type { Done, Opening, Order, Reply } from './orders.ts'

/** Beyond the time that an order should take: who hangs is a finding, and must not look like a long run. */
const PATIENCE_MS = 60_000

/** Processes that have opened the same peer, and do the same at the same time. */
export class Crew implements AsyncDisposable {
  readonly #children: readonly ChildProcess[]
  readonly #signal: AbortSignal

  private constructor(children: readonly ChildProcess[], signal: AbortSignal) {
    this.#children = children
    this.#signal = signal
  }

  /** @throws NotRun where the peer has nothing to measure. */
  static async open(opening: Opening, processes: number, signal: AbortSignal): Promise<Crew> {
    const children = Array.from({ length: processes }, () =>
      fork(new URL('./worker.ts', import.meta.url), { serialization: 'advanced' }),
    )
    const crew = new Crew(children, signal)
    try {
      await crew.#tell(() => opening, PATIENCE_MS)
      return crew
    } catch (error) {
      crew.kill()
      throw error
    }
  }

  get pids(): number[] {
    return this.#children.map(({ pid }) => pid as number)
  }

  /** Gives each process its order; what they did, in their order. */
  async obey(orderFor: (process: number) => Order): Promise<Done[]> {
    const order = orderFor(0)
    const expectedMs = 'measureMs' in order ? order.warmUpMs + order.measureMs : 0
    const replies = await this.#tell(orderFor, expectedMs + PATIENCE_MS)
    return replies.map((reply) => {
      if (reply.kind !== 'done') throw new Error(`a process answered ${reply.kind}`)
      return reply.done
    })
  }

  /** At once, as a crash would. */
  kill(): void {
    for (const child of this.#children) child.kill('SIGKILL')
  }

  async [Symbol.asyncDispose](): Promise<void> {
    // Those that cannot end well any more end anyhow.
    if (!this.#signal.aborted && this.#children.every(isAlive))
      await this.#tell(() => 'close', PATIENCE_MS).catch(() => {})
    const gone = this.#children.filter(isAlive).map((child) => once(child, 'exit'))
    this.kill()
    await Promise.all(gone)
  }

  async #tell(messageFor: (process: number) => Opening | Order | 'close', patienceMs: number): Promise<Reply[]> {
    const signal = AbortSignal.any([this.#signal, AbortSignal.timeout(Math.ceil(patienceMs))])
    const replies = Promise.all(this.#children.map((child) => replyOf(child, signal)))
    for (const [index, child] of this.#children.entries()) child.send(messageFor(index))
    return await replies
  }
}

async function replyOf(child: ChildProcess, signal: AbortSignal): Promise<Reply> {
  const over = new AbortController()
  const until = AbortSignal.any([signal, over.signal])
  const gone = once(child, 'exit', { signal: until }).then(([code, killedBy]) => {
    throw new Error(`a process of the benchmark ended with ${code ?? killedBy}`)
  })
  try {
    const [reply] = (await Promise.race([once(child, 'message', { signal: until }), gone])) as [Reply]
    if (reply.kind !== 'failed') return reply
    throw reply.isNotRun ? new NotRun(reply.reason) : new Error(reply.reason)
  } catch (error) {
    throw signal.aborted ? signal.reason : error
  } finally {
    over.abort()
    gone.catch(() => {})
  }
}

function isAlive({ exitCode, signalCode }: ChildProcess): boolean {
  return exitCode === null && signalCode === null
}
