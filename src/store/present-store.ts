import type { TransactionLike } from '../caller-transaction.ts'
import type { Chance, Clock } from '../clock.ts'
import type { WatchedKey } from '../dialects/dialect.ts'
import type { OwnConnection } from '../executors/executor.ts'
import type { HearingConnection } from '../executors/reopening-connection.ts'
import type { WithinOptions } from '../options.ts'
import { StoreTrouble } from '../store-trouble.ts'
import type {
  HandOverOutcome,
  LeaseHold,
  LeaseRequest,
  ListedKeys,
  ListLook,
  LockState,
  LockStore,
  OldKeys,
  PresenceSource,
  Renewal,
  RenewalAnswer,
  RunEnd,
  RunRecord,
  SessionStore,
  TransactionStore,
  TryOutcome,
  WantAnswer,
} from './lock-store.ts'
import type { OwnPresence } from './own-presence.ts'
import { PresenceKeeper } from './presence-keeper.ts'
import type { SqlStore } from './sql-store.ts'
import { TakingOver } from './taking-over.ts'
import type { WakeSource } from './wake-source.ts'
import { WatchingPresences } from './watching-presences.ts'

/** What a {@link PresentStore} is made of. */
export interface PresentStoreParts {
  readonly store: SqlStore
  /** The session that stands for the process. */
  readonly connection: HearingConnection
  /** The store's other own connection. */
  readonly beside: OwnConnection
  readonly clock: Clock
  readonly chance: Chance
}

/** How long a look at the holders of keys may take. */
const LOOK_MS = 5_000

/**
 * A store whose leases end with this process: each names the presence under which it was asked for, and whoever finds that presence gone takes it over
 * without waiting for its TTL. The rest is said by the store that it stands on.
 */
export class PresentStore implements LockStore {
  readonly #parts: PresentStoreParts
  readonly #store: SqlStore
  readonly #keeper: PresenceKeeper
  readonly #takingOver: TakingOver
  readonly #watching: WatchingPresences

  constructor(parts: PresentStoreParts) {
    const { store, clock, chance } = parts
    this.#parts = parts
    this.#store = store
    this.#keeper = new PresenceKeeper(parts)
    this.#takingOver = new TakingOver(parts)
    this.#watching = new WatchingPresences({
      others: store.wakeSource,
      look: (keys) => this.#look(keys),
      clock,
      chance,
    })
  }

  get presence(): PresenceSource {
    return this.#keeper
  }

  get session(): SessionStore | undefined {
    return this.#store.session
  }

  get wakeSource(): WakeSource {
    return this.#watching
  }

  async tryAcquire(request: LeaseRequest): Promise<TryOutcome> {
    const presence = await this.#keeper.present()
    const named = presence.named(request)
    // Who waits need not ask for each key in turn whether its holder is gone.
    const isGone = this.#watching.takeGone(request.key)
    const isAsked = isGone || !this.#watching.isWatching(request.key)
    const taken = isGone ? await this.#takingOver.take(named) : undefined
    const outcome: TryOutcome = taken ? { granted: true, ...taken } : await this.#store.tryAcquire(named)
    if (outcome.granted) return this.#believed(outcome, presence, named)
    if (isGone || !isAsked || outcome.isUncertain) return outcome
    const takenOver = await this.#takingOver.take(named)
    return takenOver ? this.#believed({ granted: true, ...takenOver }, presence, named) : outcome
  }

  /** Without a presence at this moment, the heir asks for itself. */
  async handOver(hold: LeaseHold, heir: LeaseRequest): Promise<HandOverOutcome> {
    const presence = this.#keeper.current
    if (!presence) return { granted: false }
    const named = presence.named(heir)
    const outcome = await this.#store.handOver(hold, named)
    return outcome.granted ? this.#believed(outcome, presence, named) : outcome
  }

  async abandon(key: string, attempt: string): Promise<boolean> {
    let isAbandoned = false
    for (const presence of this.#keeper.known) {
      if (await this.#store.abandon(key, presence.attempt(attempt))) isAbandoned = true
    }
    return isAbandoned
  }

  extend(hold: LeaseHold, ttlUs: number | null): Promise<number | null> {
    return this.#store.extend(hold, ttlUs)
  }

  release(hold: LeaseHold): Promise<boolean> {
    return this.#store.release(hold)
  }

  forceRelease(key: string): Promise<boolean> {
    return this.#store.forceRelease(key)
  }

  inspect(key: string): Promise<LockState | null> {
    return this.#store.inspect(key)
  }

  list(look: ListLook): Promise<ListedKeys> {
    return this.#store.list(look)
  }

  findOld(afterKey: string, retentionUs: number): Promise<OldKeys> {
    return this.#store.findOld(afterKey, retentionUs)
  }

  removeOld(keys: readonly string[], freeSinceUs: number): Promise<number> {
    return this.#store.removeOld(keys, freeSinceUs)
  }

  want(key: string): Promise<WantAnswer> {
    return this.#store.want(key)
  }

  extendAll(renewals: readonly Renewal[], withinMs: number): Promise<RenewalAnswer[]> {
    return this.#store.extendAll(renewals, withinMs)
  }

  finishRun(hold: LeaseHold, end: RunEnd): Promise<boolean> {
    return this.#store.finishRun(hold, end)
  }

  lastRun(key: string): Promise<RunRecord | null> {
    return this.#store.lastRun(key)
  }

  /** What is written with a transaction is there after it, whatever becomes of this process: it names no presence. */
  within(transaction: TransactionLike, options?: WithinOptions): TransactionStore {
    return this.#store.within(transaction, options)
  }

  async close(): Promise<void> {
    await this.#watching.close()
    if (!this.#keeper.isInUse) await this.#keeper.close()
    await this.#store.close()
  }

  /**
   * A grant counts if the presence that it names is still there when its answer arrives. If not, anybody may have it by now: it is given back, and nobody
   * hears of it.
   */
  #believed<Granted extends { readonly granted: true }>(
    outcome: Granted,
    presence: OwnPresence,
    { key, attempt }: LeaseRequest,
  ): Granted & { readonly presence: OwnPresence } {
    if (!presence.isGone) return { ...outcome, presence }
    this.#store.abandon(key, attempt).catch(() => {})
    throw new StoreTrouble('unanswered', new Error('the connection of the presence was lost during the try'))
  }

  /** Not on the session of the presence: there its own lock would look free, and a table that is locked would end it. */
  #look(keys: readonly string[]): Promise<readonly WatchedKey[]> {
    const { beside } = this.#parts
    return this.#store.say(
      async ({ presence }, send) => presence?.readWatch(await send(presence.statements.watchPresences, { keys })) ?? [],
      { execute: (wording, values) => beside.execute(wording, values, LOOK_MS) },
    )
  }
}
