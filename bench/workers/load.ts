import { encodeLatency, newLatency, recordMs } from '../measure/latency.ts'
import type { Done } from './orders.ts'

interface Window {
  readonly warmUpMs: number
  readonly measureMs: number
}

/** Moments of one operation: when it began, when its first half was done, when all of it was. */
export type Moments = readonly [fromMs: number, takenMs: number, toMs: number]

/** Where a turn of the callers takes longer than the window, the window is made longer: until each caller has ended so many in it. */
const LEAST_EACH = 2
const MOST_WARM_UP_MS = 10_000
const MOST_MEASURE_MS = 20_000

/**
 * Runs callers in a loop and counts what they end within the measured time. They look at the clock themselves: through better-sqlite3 a
 * whole operation may take no turn of the event loop, so that no timer would ring.
 *
 * Many callers go in step: hundreds of operations may end at nearly the same time, and then none for a while. So the time that counts goes from
 * the last end before the window to the last end in it: otherwise it would decide much whether a wave is just in, or just out.
 */
export async function load(
  callers: number,
  { warmUpMs, measureMs }: Window,
  call: (caller: number, n: number) => Promise<Moments>,
): Promise<Done> {
  const [take, release, both] = [newLatency(), newLatency(), newLatency()]
  const cpuBefore = process.cpuUsage()
  const startMs = performance.now()
  let windowFromMs: number | undefined
  let isOver = false
  let [lastBeforeMs, lastWithinMs] = [startMs, startMs]
  let [operations, allOperations] = [0, 0]

  const isWarm = (nowMs: number) =>
    nowMs >= startMs + (allOperations >= callers ? warmUpMs : Math.max(warmUpMs, MOST_WARM_UP_MS))
  const isEnough = (sinceMs: number) =>
    sinceMs >= (operations >= LEAST_EACH * callers ? measureMs : Math.max(measureMs, MOST_MEASURE_MS))
  const note = ([beganMs, takenMs, endMs]: Moments) => {
    allOperations++
    if (isOver) return
    if (windowFromMs === undefined) {
      lastBeforeMs = lastWithinMs = endMs
      if (isWarm(endMs)) windowFromMs = endMs
      return
    }
    operations++
    lastWithinMs = endMs
    recordMs(take, takenMs - beganMs)
    recordMs(release, endMs - takenMs)
    recordMs(both, endMs - beganMs)
    isOver = isEnough(endMs - windowFromMs)
  }
  const loop = async (caller: number) => {
    for (let n = 0; !isOver; n++) note(await call(caller, n))
  }
  await Promise.all(Array.from({ length: callers }, (_, caller) => loop(caller)))
  const { user, system } = process.cpuUsage(cpuBefore)
  return {
    operations,
    allOperations,
    seconds: (lastWithinMs - lastBeforeMs) / 1000,
    cpuMs: (user + system) / 1000,
    latency: { take: encodeLatency(take), release: encodeLatency(release), both: encodeLatency(both) },
    seizedMs: [],
  }
}
