import { type Act, SEATS } from './acts.ts'
import type { BoxOffice, Count } from './box-office.ts'
import type { Crew } from './crew.ts'
import { nowMs } from './now-ms.ts'
import type { Progress } from './progress.ts'
import type { Hold, News } from './worker.ts'

/** What all acts are played with. */
export interface Stage {
  readonly office: BoxOffice
  readonly crew: Crew
  readonly progress: Progress
}

/** The end of a worker that held the lock. */
export interface Kill {
  /** Its last hold, up to its death. */
  readonly hold: Hold
  readonly leaseEndsAtMs: number
}

/** What came out: the count is the database's, the rest is what the workers reported. */
export interface ActResult {
  readonly act: Act
  readonly count: Count
  readonly openedAtMs: number
  readonly endedAtMs: number
  /** In the order of time. */
  readonly holds: readonly Hold[]
  readonly kill: Kill | null
}

/** How long the victim may hold the lock before it dies: long enough to be seen, much shorter than the TTL. */
const HOLD_BEFORE_KILL_MS = 300

/** Plays one act to its end. @throws when a worker fails, or when the demo is called off */
export async function playAct(act: Act, { office, crew, progress }: Stage): Promise<ActResult> {
  const concert = `concert:${act.number}`
  await office.announce(concert, SEATS)

  const notes = new Notes(act, crew, progress)
  const openedAtMs = nowMs()
  progress.start(act)
  try {
    await crew.sell({ concert, lock: act.lock }, (worker, news) => notes.take(worker, news))
  } finally {
    progress.stop()
  }
  const endedAtMs = nowMs()

  const holds = notes.holds.toSorted((a, b) => a.fromMs - b.fromMs)
  return { act, count: await office.count(concert), openedAtMs, endedAtMs, holds, kill: notes.kill }
}

/** Takes down what the workers say, and orders the kill when its time has come. */
class Notes {
  readonly holds: Hold[] = []
  kill: Kill | null = null
  readonly #act: Act
  readonly #crew: Crew
  readonly #progress: Progress
  #sales = 0

  constructor(act: Act, crew: Crew, progress: Progress) {
    this.#act = act
    this.#crew = crew
    this.#progress = progress
  }

  take(worker: number, news: News): void {
    if (news.kind === 'turn') {
      if (news.hold) this.#noteHold(news.hold)
      if (news.hasSold) this.#noteSale(worker)
    }
    if (news.kind === 'stalling') {
      this.#progress.remark(worker, 'holds the lock …')
      setTimeout(() => this.#killHolder(news.hold, news.leaseEndsAtMs), HOLD_BEFORE_KILL_MS)
    }
  }

  #noteHold(hold: Hold): void {
    const isFirstSinceKill = this.kill !== null && this.kill.hold === this.holds.at(-1)
    this.holds.push(hold)
    if (isFirstSinceKill)
      this.#progress.remark(this.#act.kill!.worker, '✗ killed; its lease has ended, the others go on')
  }

  #noteSale(worker: number): void {
    this.#progress.noteSale(worker)
    const { kill } = this.#act
    if (++this.#sales === kill?.afterSales) this.#crew.tell(kill.worker, { kind: 'stall' })
  }

  #killHolder(hold: Hold, leaseEndsAtMs: number): void {
    this.#crew.kill(hold.worker)
    const lastHold = { ...hold, toMs: nowMs() }
    this.holds.push(lastHold)
    this.kill = { hold: lastHold, leaseEndsAtMs }
    this.#progress.remark(hold.worker, '✗ killed; the others wait until its lease ends')
  }
}
