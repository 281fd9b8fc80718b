import { type ChildProcess, fork } from 'node:child_process'
import { once } from 'node:events'
import { moduleBeside } from '../module-beside.ts'
import type { News, Order, Post, Sale } from './worker.ts'

const WORKER_FILE = moduleBeside('worker', import.meta.url)

/** Told what a worker says. Workers are counted from 1. */
type Listener = (worker: number, news: News) => void

/** The worker processes. They live as long as the demo, except those that it kills. */
export class Crew implements AsyncDisposable {
  readonly #children = new Map<number, ChildProcess>()
  readonly #failure = Promise.withResolvers<never>()
  #idle = Promise.withResolvers<void>()
  #busy: Set<number>
  #listener: Listener = () => {}

  /** Starts one process for every post. @param signal ends them all */
  constructor(posts: readonly Post[], signal: AbortSignal) {
    this.#busy = new Set(posts.map(({ worker }) => worker))
    for (const post of posts) this.#hire(post)
    // Heard by whoever waits for the crew at that moment, if anybody does.
    this.#failure.promise.catch(() => {})
    if (signal.aborted) this.#failure.reject(signal.reason)
    signal.addEventListener('abort', () => this.#failure.reject(signal.reason))
  }

  /** All workers have nothing to do. @throws when one of them failed, or the demo was called off */
  async untilIdle(): Promise<void> {
    await Promise.race([this.#failure.promise, this.#idle.promise])
  }

  /** Lets all workers sell until nothing is left. */
  async sell(sale: Sale, listener: Listener): Promise<void> {
    this.#listener = listener
    this.#busy = new Set(this.#children.keys())
    this.#idle = Promise.withResolvers()
    for (const worker of this.#children.keys()) this.tell(worker, { kind: 'sell', sale })
    await this.untilIdle()
  }

  tell(worker: number, message: Order | Post): void {
    // If it cannot be told any more, it has ended, which is a failure that will be noticed.
    this.#children.get(worker)?.send(message, () => {})
  }

  /** SIGKILL: no chance to release anything. */
  kill(worker: number): void {
    const child = this.#children.get(worker)
    this.#children.delete(worker)
    child?.kill('SIGKILL')
    child?.once('close', () => this.#noteIdle(worker))
  }

  /** The end of all workers: when this resolves, none of them will touch a table any more. */
  async [Symbol.asyncDispose](): Promise<void> {
    const alive = [...this.#children.values()].filter(({ exitCode, signalCode }) => exitCode === null && !signalCode)
    for (const worker of this.#children.keys()) this.kill(worker)
    await Promise.all(alive.map((child) => once(child, 'close')))
  }

  #hire(post: Post): void {
    const { worker } = post
    const child = fork(WORKER_FILE, { stdio: ['ignore', 'ignore', 'inherit', 'ipc'] })
    this.#children.set(worker, child)
    child.on('message', (news: News) => this.#hear(worker, news))
    child.on('error', (error) => this.#failure.reject(error))
    // Not `exit`, which can come before the last message.
    child.on('close', (code, signal) => {
      if (!this.#children.has(worker)) return
      this.#failure.reject(new Error(`worker ${worker} ended unexpectedly (${signal ?? `exit code ${code}`})`))
    })
    this.tell(worker, post)
  }

  #hear(worker: number, news: News): void {
    if (news.kind === 'failed') this.#failure.reject(new Error(`worker ${worker} failed: ${news.reason}`))
    else if (news.kind === 'idle') this.#noteIdle(worker)
    else this.#listener(worker, news)
  }

  #noteIdle(worker: number): void {
    this.#busy.delete(worker)
    if (this.#busy.size === 0) this.#idle.resolve()
  }
}
