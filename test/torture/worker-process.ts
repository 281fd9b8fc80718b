import { type ChildProcess, spawn } from 'node:child_process'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as sleep } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import type { FakeTime } from './fake-time.ts'
import type { WorkerSettings } from './worker-settings.ts'

const WORKER = fileURLToPath(new URL('worker.ts', import.meta.url))

/** A process on a machine that has much else to do. */
const BEGIN_WITHIN_MS = 60_000

/** What the torture tells a worker while it runs. */
export type WorkerOrder = { readonly order: 'block'; readonly forMs: number } | { readonly order: 'finish' }

/** One worker: a process of the real library, started again whenever it has died, until it is told to finish. */
export class WorkerProcess {
  readonly index: number
  readonly #settings: Omit<WorkerSettings, 'process'>
  readonly #time: FakeTime
  #child: ChildProcess | undefined
  #incarnation = 0
  #restartAfterMs = 0
  #isFinishing = false
  #finished: Promise<void> = Promise.resolve()
  #began: Promise<void> = Promise.resolve()
  #complaints = ''
  #said = ''
  #deaths = 0

  constructor(index: number, settings: Omit<WorkerSettings, 'process'>, time: FakeTime) {
    this.index = index
    this.#settings = settings
    this.#time = time
  }

  /** Its process now; `undefined` while it is being started again. */
  get pid(): number | undefined {
    return this.#child?.pid
  }

  /** Why it ended by itself, if it did, all incarnations together. */
  get complaints(): string {
    return this.#complaints
  }

  /** How often it was killed. */
  get deaths(): number {
    return this.#deaths
  }

  start(): void {
    const name = `${this.index}.${++this.#incarnation}`
    const child = spawn(process.execPath, [WORKER, JSON.stringify({ ...this.#settings, process: name })], {
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
      env: { ...process.env, ...this.#time.environment, NODE_COMPILE_CACHE: join(tmpdir(), 'verrou-compile-cache') },
    })
    this.#child = child
    this.#said = ''
    child.stderr?.on('data', (data) => {
      this.#said = (this.#said + data).slice(-4_000)
    })
    this.#began = new Promise((began) => child.once('message', () => began()))
    this.#finished = new Promise((finished) =>
      child.once('close', (code, signal) => this.#ended(code, signal, finished)),
    )
  }

  /** Ends it at once, wherever it is; it starts again after that time. */
  kill(restartAfterMs: number): void {
    this.#restartAfterMs = restartAfterMs
    if (this.#child?.kill('SIGKILL')) this.#deaths++
  }

  /** Stops it, as a suspended machine or a full CPU does. @returns what lets it go on */
  pause(): () => void {
    const child = this.#child
    child?.kill('SIGSTOP')
    return () => void child?.kill('SIGCONT')
  }

  /** Keeps its event loop busy. */
  block(forMs: number): void {
    this.#tell({ order: 'block', forMs })
  }

  /** Moves its time of day; the process reads it within a second. */
  setClock(offsetSeconds: number): Promise<void> {
    return this.#time.set(offsetSeconds)
  }

  /** It starts nothing any more, closes everything and ends. @returns whether it did in that time, once it had begun; else it is killed */
  async finish(withinMs: number): Promise<boolean> {
    this.#isFinishing = true
    if (this.#child === undefined) return true
    this.#tell({ order: 'finish' })
    await isDoneWithin(Promise.race([this.#began, this.#finished]), BEGIN_WITHIN_MS)
    if (await isDoneWithin(this.#finished, withinMs)) return true
    this.stop()
    return false
  }

  /** Ends it for good. */
  stop(): void {
    this.#isFinishing = true
    this.#child?.kill('SIGKILL')
  }

  #tell(order: WorkerOrder): void {
    const child = this.#child
    if (child?.connected) child.send(order, () => {})
  }

  #ended(code: number | null, signal: NodeJS.Signals | null, finished: () => void): void {
    this.#child = undefined
    if (code !== 0 && signal !== 'SIGKILL') this.#complaints += `it ended with ${code ?? signal}: ${this.#said}`
    if (this.#isFinishing) finished()
    else this.#startLater()
  }

  #startLater(): void {
    setTimeout(() => {
      if (!this.#isFinishing) this.start()
    }, this.#restartAfterMs)
    this.#restartAfterMs = 0
  }
}

async function isDoneWithin(done: Promise<void>, ms: number): Promise<boolean> {
  const late = new AbortController()
  const isLate = sleep(ms, false, { signal: late.signal }).catch(() => false)
  const isDone = await Promise.race([done.then(() => true), isLate])
  late.abort()
  return isDone
}
