import { setImmediate as turn } from 'node:timers/promises'
import { encodeLatency, newLatency } from '../measure/latency.ts'
import type { OpenPeer } from '../peers/peer.ts'
import { load } from './load.ts'
import type { Done, Keys, Order } from './orders.ts'

const TTL_MS = 30_000

type OrderOf<Kind extends Order['kind']> = Extract<Order, { kind: Kind }>

/** Does what a process was told to. */
export async function carryOut(order: Order, peer: OpenPeer): Promise<Done> {
  switch (order.kind) {
    case 'pairs':
      return await pairs(order, peer)
    case 'refused':
      return await refused(order, peer)
    case 'hold':
      return await hold(order, peer)
    case 'seize':
      return await seize(order, peer)
  }
}

async function pairs({ callers, keys, ...window }: OrderOf<'pairs'>, peer: OpenPeer): Promise<Done> {
  const keyOf = keyChooser(keys, callers)
  return await load(callers, window, async (caller, n) => {
    const fromMs = performance.now()
    const taken = await peer.take(keyOf(caller, n), TTL_MS)
    if (taken === undefined) throw new Error('a key that nobody else has was refused')
    const takenMs = performance.now()
    await taken.release()
    return [fromMs, takenMs, performance.now()]
  })
}

function keyChooser({ prefix, count, isRandom = false }: Keys, callers: number): (caller: number, n: number) => string {
  const each = Math.floor((count ?? callers) / callers)
  return (caller, n) => `${prefix}${caller + callers * (isRandom ? Math.floor(Math.random() * each) : n % each)}`
}

async function refused({ callers, key, ...window }: OrderOf<'refused'>, peer: OpenPeer): Promise<Done> {
  return await load(callers, window, async () => {
    const fromMs = performance.now()
    if ((await peer.take(key, TTL_MS)) !== undefined) throw new Error('a key that somebody else has was granted')
    const toMs = performance.now()
    return [fromMs, toMs, toMs]
  })
}

async function hold({ prefix, count, ttlMs }: OrderOf<'hold'>, peer: OpenPeer): Promise<Done> {
  const taken = await Promise.all(Array.from({ length: count }, (_, n) => peer.take(`${prefix}${n}`, ttlMs)))
  if (taken.includes(undefined)) throw new Error('a key that nobody else has was refused')
  return { ...NOTHING, allOperations: count }
}

async function seize({ prefix, count, originNs, patienceMs }: OrderOf<'seize'>, peer: OpenPeer): Promise<Done> {
  const nowMs = () => Number(process.hrtime.bigint() - BigInt(originNs)) / 1e6
  const endMs = nowMs() + patienceMs
  const seizedMs: number[] = []
  let wanted = Array.from({ length: count }, (_, n) => `${prefix}${n}`)
  while (wanted.length > 0 && nowMs() < endMs) {
    const answers = await Promise.all(
      wanted.map(async (key) => {
        const taken = await peer.take(key, TTL_MS)
        if (taken !== undefined) seizedMs.push(nowMs())
        return taken === undefined ? key : undefined
      }),
    )
    wanted = answers.filter((key) => key !== undefined)
    await turn()
  }
  return { ...NOTHING, operations: seizedMs.length, seizedMs }
}

const EMPTY = encodeLatency(newLatency())

const NOTHING: Done = {
  operations: 0,
  allOperations: 0,
  seconds: 0,
  cpuMs: 0,
  latency: { take: EMPTY, release: EMPTY, both: EMPTY },
  seizedMs: [],
}
