import { backoffMs, jittered } from '../backoff.ts'
import type { Chance, Clock } from '../clock.ts'
import { type ListeningStatements, listeningStatements } from '../dialects/postgres/listening-statements.ts'
import type { SqlExecutor } from '../executors/executor.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import { LOCK_CHANNELS } from '../lock-channels.ts'
import { ListeningProbe } from './listening-probe.ts'
import type { ClosableWakeSource, WakeupRecovery, WakeupTrouble } from './wake-source.ts'

/** What {@link Listening} is made of. */
export interface ListeningParts {
  /** Where notifications arrive. */
  readonly connection: HearingConnection
  /** The caller's connections, where releases are sent. */
  readonly executor: SqlExecutor
  /** What releases notify. */
  readonly channel: string
  readonly clock: Clock
  readonly chance: Chance
}

/** Between two looks at whether we still hear; also keeps what stands in between from forgetting an idle connection. */
const HEARTBEAT_MS = 10_000
/** How long a statement on our connection may take. */
const ANSWER_MS = 5_000
/** Opening is half of it. */
const LISTEN_MS = 20_000
const FIRST_PAUSE_MS = 50
const LONGEST_PAUSE_MS = 5_000
/** Who is deaf stays deaf until somebody changes the configuration. */
const DEAF_PAUSE_MS = 300_000
/** The next waiter often comes soon, and then everything is there already. */
const LINGER_MS = 30_000

const DEAF =
  'notifications of Postgres do not arrive (as through a pooler in transaction mode), so that waiters poll; ' +
  "give the store a direct address, `listen: { connectionString: 'postgres://…' }`, or `listen: false`"
const DISCONNECTED = 'the connection that hears of releases is lost and could not be opened again yet; waiters poll'

/** After that, what has come in while the process was busy with something else has been read. */
const READ_MS = 100

/** One time from the first subscriber to the end of the linger. */
interface Run {
  isOver: boolean
  /** The session was lost. */
  loss: { readonly cause: unknown } | undefined
  /** Ends a wait, to look at what has happened. */
  interrupt: () => void
  stopHearing: () => void
}

/** Notifications do not arrive, though the connection is well. */
class DeafError extends Error {}

/** Hears on Postgres what other processes release: `listen`, with proof that it works, for as long as somebody waits for a key. */
export class Listening implements ClosableWakeSource {
  readonly #parts: ListeningParts
  readonly #statements: ListeningStatements
  readonly #probe: ListeningProbe
  readonly #wakes = new Map<string, Set<{ readonly wake: () => void }>>()
  readonly #troubleListeners = new Set<(trouble: WakeupTrouble) => void>()
  readonly #recoveryListeners = new Set<(recovery: WakeupRecovery) => void>()
  #run: Run | undefined
  #isHearing = false
  #trouble: WakeupTrouble | undefined
  /** Since when waiters poll, as the listeners were told; stays while nobody waits. */
  #degradedAtMs: number | undefined
  #deafUntilMs = 0
  #failedAttempts = 0
  #hasHeard = false
  #cancelLinger = () => {}

  constructor(parts: ListeningParts) {
    this.#parts = parts
    this.#statements = listeningStatements(parts.channel)
    const { executor, channel, clock } = parts
    const send = (id: string) => executor.execute(this.#statements.probe, [channel, id])
    this.#probe = new ListeningProbe(clock, send, () => this.#run?.interrupt())
  }

  get isHearing(): boolean {
    return this.#isHearing
  }

  subscribe(key: string, wake: () => void): () => void {
    const subscriber = { wake }
    const ofKey = this.#wakes.get(key) ?? new Set()
    this.#wakes.set(key, ofKey.add(subscriber))
    this.#cancelLinger()
    this.#start()
    return () => {
      if (!ofKey.delete(subscriber) || ofKey.size > 0) return
      this.#wakes.delete(key)
      if (this.#wakes.size > 0) return
      this.#cancelLinger()
      this.#cancelLinger = this.#parts.clock.after(LINGER_MS, () => this.#stop(), false)
    }
  }

  onTrouble(listener: (trouble: WakeupTrouble) => void): () => void {
    const told = (trouble: WakeupTrouble) => listener(trouble)
    this.#troubleListeners.add(told)
    const trouble = this.#trouble
    if (trouble) queueMicrotask(() => this.#troubleListeners.has(told) && told(trouble))
    return () => this.#troubleListeners.delete(told)
  }

  onRecovery(listener: (recovery: WakeupRecovery) => void): () => void {
    const told = (recovery: WakeupRecovery) => listener(recovery)
    this.#recoveryListeners.add(told)
    return () => this.#recoveryListeners.delete(told)
  }

  async close(): Promise<void> {
    if (this.#wakes.size === 0) this.#stop()
  }

  #start(): void {
    if (this.#run) return
    const run: Run = { isOver: false, loss: undefined, interrupt: () => {}, stopHearing: () => {} }
    this.#run = run
    // Not before the caller of `subscribe` has gone on.
    void Promise.resolve().then(() => this.#keepListening(run))
  }

  #stop(): void {
    this.#cancelLinger()
    const run = this.#run
    if (!run) return
    this.#run = undefined
    run.isOver = true
    this.#isHearing = false
    this.#failedAttempts = 0
    if (this.#trouble?.reason === 'disconnected') this.#trouble = undefined
    run.interrupt()
    this.#unlisten()
    run.stopHearing()
  }

  /** The connection may serve renewals for long after this; and through a pooler, others have it next. */
  #unlisten(): void {
    const { connection } = this.#parts
    if (connection.isOpen) connection.execute(this.#statements.unlisten, [], ANSWER_MS).catch(() => {})
  }

  async #keepListening(run: Run): Promise<void> {
    const { clock, chance } = this.#parts
    for (let failures = 0; !run.isOver; ) {
      let hasBegun = false
      try {
        await this.#pause(run, this.#deafUntilMs - clock.nowMs())
        await this.#begin(run)
        hasBegun = true
        await this.#beat(run, () => {
          failures = 0
        })
      } catch (error) {
        if (run.isOver) return
        failures++
        run.stopHearing()
        this.#isHearing = false
        if (error instanceof DeafError) this.#becomeDeaf(error)
        else if (!hasBegun) this.#attemptFailed(error)
        // Nobody is waiting: the next one who does opens it again.
        if (this.#wakes.size === 0) return this.#stop()
        run.loss = undefined
        await this.#pause(run, backoffMs(failures, FIRST_PAUSE_MS, LONGEST_PAUSE_MS, chance)).catch(() => {})
      }
    }
  }

  async #begin(run: Run): Promise<void> {
    const { connection } = this.#parts
    run.stopHearing = connection.hear({
      notified: (channel, payload) => this.#notified(channel, payload),
      lost: (cause) => {
        this.#isHearing = false
        run.loss = { cause }
        run.interrupt()
      },
    })
    this.#probe.reset()
    await connection.execute(this.#statements.listen, [], LISTEN_MS)
    const isProven = await this.#prove(run)
    throwIfOver(run)
    // Only where it is known that the session is ours alone; not every server can do it.
    if (isProven) connection.execute(this.#statements.keepAlive, [], ANSWER_MS).catch(() => {})
    this.#isHearing = true
    this.#hasHeard = false
    this.#trouble = undefined
    this.#failedAttempts = 0
    this.#tellOfRecovery()
    this.#wakeAll()
  }

  async #beat(run: Run, isAlive: () => void): Promise<never> {
    const { connection, clock, channel, chance } = this.#parts
    for (;;) {
      const endMs = clock.nowMs() + jittered(HEARTBEAT_MS, chance)
      while (clock.nowMs() < endMs) await this.#wait(run, endMs - clock.nowMs())
      // What came in by itself is as good as a probe, and with many processes there is always some. What comes in together
      // with an answer is not: a pooler lets that through.
      const hasHeard = this.#hasHeard
      const { rows } = await connection.execute(this.#statements.check, [channel], ANSWER_MS)
      if (rows.length === 0) throw new Error('the session does not listen any more')
      isAlive()
      if (!hasHeard || this.#probe.isPending) await this.#prove(run)
      this.#hasHeard = false
    }
  }

  /** `true`: notifications are known to arrive; `false`: nothing can be known. */
  async #prove(run: Run): Promise<boolean> {
    const { connection, channel } = this.#parts
    throwIfOver(run)
    this.#probe.send()
    for (;;) {
      const leftMs = this.#probe.leftMs()
      if (leftMs > 0) await this.#wait(run, leftMs)
      else if (this.#probe.isDeaf) break
      else return this.#probe.hasArrived
    }
    await this.#pause(run, READ_MS)
    if (!this.#probe.isDeaf) return this.#probe.hasArrived
    // A network that has fallen silent is another matter: then this has no answer, either.
    await connection.execute(this.#statements.check, [channel], ANSWER_MS)
    throw new DeafError(DEAF)
  }

  /** Until the time is over or something has happened. Rejects when the session is lost or the run is over. */
  async #wait(run: Run, ms: number): Promise<void> {
    throwIfOver(run)
    await new Promise<void>((resolve) => {
      const cancel = this.#parts.clock.after(ms, resolve, false)
      run.interrupt = () => {
        cancel()
        resolve()
      }
    })
    run.interrupt = () => {}
    throwIfOver(run)
  }

  async #pause(run: Run, ms: number): Promise<void> {
    const { clock } = this.#parts
    const endMs = clock.nowMs() + ms
    while (clock.nowMs() < endMs) await this.#wait(run, endMs - clock.nowMs())
  }

  #becomeDeaf(cause: DeafError): void {
    this.#deafUntilMs = this.#parts.clock.nowMs() + DEAF_PAUSE_MS
    this.#unlisten()
    this.#tell({ reason: 'deaf', message: cause.message })
  }

  #attemptFailed(cause: unknown): void {
    if (++this.#failedAttempts === 2) this.#tell({ reason: 'disconnected', message: DISCONNECTED, cause })
  }

  #tell(trouble: WakeupTrouble): void {
    if (this.#trouble) return
    this.#trouble = trouble
    this.#degradedAtMs ??= this.#parts.clock.nowMs()
    for (const told of [...this.#troubleListeners]) told(trouble)
    LOCK_CHANNELS['wakeup-degraded'].publish(trouble)
    // Who relied on hearing has slept for long enough.
    this.#wakeAll()
  }

  #tellOfRecovery(): void {
    if (this.#degradedAtMs === undefined) return
    const recovery: WakeupRecovery = { degradedMs: this.#parts.clock.nowMs() - this.#degradedAtMs }
    this.#degradedAtMs = undefined
    for (const told of [...this.#recoveryListeners]) told(recovery)
    LOCK_CHANNELS['wakeup-restored'].publish(recovery)
  }

  #notified(channel: string, payload: string): void {
    if (channel !== this.#parts.channel) return
    this.#hasHeard = true
    if (this.#probe.notified(payload)) return
    for (const { wake } of [...(this.#wakes.get(payload) ?? [])]) wake()
  }

  #wakeAll(): void {
    for (const ofKey of [...this.#wakes.values()]) for (const { wake } of [...ofKey]) wake()
  }
}

function throwIfOver(run: Run): void {
  if (run.loss) throw run.loss.cause
  if (run.isOver) throw new Error('nobody listens any more')
}
