import type { FaultKind } from '../../fault.ts'
import { pause } from '../pause.ts'
import { drawWhich, networkFault, whichOf } from './network-fault.ts'

/** Connections are reset. */
const cut = networkFault({
  name: 'cut connections',
  weight: 10,
  draw: (random) => ({ which: drawWhich(random) }),
  async inject(details, proxy) {
    proxy.cut(whichOf(details))
  },
})

/** One side has said goodbye, and the other does not know yet. */
const halfClose = networkFault({
  name: 'half-close connections',
  weight: 6,
  draw: (random) => ({ which: drawWhich(random), side: random.pick(['client', 'server']) }),
  async inject(details, proxy) {
    proxy.halfClose(whichOf(details), details.side === 'client' ? 'client' : 'server')
  },
})

/** Bytes vanish in one direction or both; afterwards they arrive late, or the connections turn out to be dead. */
const blackhole = networkFault({
  name: 'blackhole',
  weight: 10,
  draw: (random) => ({
    asks: random.percent(60),
    answers: random.percent(60),
    forMs: random.integer(200, 4_000),
    afterwards: random.pick(['arrives', 'is lost']),
  }),
  async inject({ asks, answers, forMs, afterwards }, proxy, signal) {
    if (asks || !answers) proxy.silence('asks')
    if (answers) proxy.silence('answers')
    await pause(Number(forMs), signal)
    proxy.unsilence(afterwards === 'arrives' ? 'arrives' : 'is lost')
  },
})

/** Everything is slow. */
const delay = networkFault({
  name: 'delay',
  weight: 8,
  draw: (random) => ({ delayMs: random.integer(5, 400), forMs: random.integer(500, 4_000) }),
  async inject({ delayMs, forMs }, proxy, signal) {
    proxy.delay(Number(delayMs))
    await pause(Number(forMs), signal)
    proxy.delay(0)
  },
})

/** What the answer is lost to: any request, or one whose text or statement name tells. */
const LOST: Readonly<Record<string, RegExp>> = {
  anything: /./s,
  'a commit': /commit/i,
  'a try': /verrou-acquire|insert into|with clock/,
  'a release': /verrou-release|set owner = null/,
}

/** The statement is carried out, and the answer never comes: did it happen? */
const loseAnswer = networkFault({
  name: 'lose an answer',
  weight: 14,
  draw: (random) => ({ to: random.pick(Object.keys(LOST)), forMs: random.integer(1_000, 2_000) }),
  async inject({ to, forMs }, proxy, signal) {
    const hasHappened = proxy.loseAnswerTo(LOST[String(to)] ?? /./s)
    await pause(Number(forMs), signal)
    if (hasHappened()) return
    proxy.loseNoAnswer()
    throw new Error('there was no such request')
  },
})

/** What can happen to the connections of one worker. */
export const NETWORK_FAULTS: readonly FaultKind[] = [cut, halfClose, blackhole, delay, loseAnswer]
