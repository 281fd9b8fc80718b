import type { FaultDetails, FaultKind, Lane } from './fault.ts'
import { Random } from './random.ts'

/** One fault to come. */
export interface PlannedFault {
  /** Since the start of the torture. */
  readonly atMs: number
  readonly kind: string
  readonly lane: Lane
  readonly details: FaultDetails
}

/** When nothing is broken on purpose: what is not served then will never be. */
export interface Calm {
  readonly fromMs: number
  readonly untilMs: number
}

export interface Plan {
  readonly faults: readonly PlannedFault[]
  /** The last one is the end of the torture. */
  readonly calms: readonly Calm[]
  readonly durationMs: number
}

/** A storm, then a calm, and again. */
const STORM_MS = 14_000
const CALM_MS = 6_000

/** What processes take to begin, and to connect. */
const BEGINNING_MS = 3_000

/** The longest and the shortest pause between two faults of a lane. */
const PAUSES_MS: Readonly<Record<Lane, readonly [least: number, most: number]>> = {
  process: [200, 1_400],
  network: [150, 1_000],
  server: [400, 2_500],
}

/** So many faults that would not be over in time may be drawn, until a storm counts as full. */
const MISFITS = 5

/** What a fault without a duration of its own is reckoned to take. */
const INSTANT_MS = 50

/**
 * What happens when (without any faults: one calm): decided by the seed and nothing else, so that the same seed makes the same trouble. Each lane has a chance of its
 * own, so that leaving one out changes nothing in the others.
 */
export function planOf(seed: number, durationMs: number, kinds: readonly FaultKind[], turningPoint?: FaultKind): Plan {
  const calms = kinds.length === 0 ? [oneCalm(durationMs)] : calmsOf(durationMs)
  const lanes: Lane[] = ['process', 'network', 'server']
  const faults = lanes.flatMap((lane, index) => {
    const ofLane = kinds.filter((kind) => kind.lane === lane)
    return ofLane.length === 0 ? [] : laneOf(new Random(seed * 31 + index), lane, ofLane, calms)
  })
  if (turningPoint) faults.push(turningPointOf(new Random(seed * 31 + lanes.length), turningPoint, calms))
  return { faults: faults.sort((a, b) => a.atMs - b.atMs), calms, durationMs }
}

/** Nothing is broken; but until everybody has begun, everything is slow. */
function oneCalm(durationMs: number): Calm {
  return { fromMs: Math.min(BEGINNING_MS, durationMs / 2), untilMs: durationMs }
}

function calmsOf(durationMs: number): Calm[] {
  const cycle = STORM_MS + CALM_MS
  const cycles = Math.max(1, Math.round(durationMs / cycle))
  const lengthMs = durationMs / cycles
  const calmMs = Math.min(CALM_MS, lengthMs / 2)
  return Array.from({ length: cycles }, (_, index) => ({
    fromMs: Math.round((index + 1) * lengthMs - calmMs),
    untilMs: Math.round((index + 1) * lengthMs),
  }))
}

/** Faults, all of them over when a calm begins. */
function laneOf(random: Random, lane: Lane, kinds: readonly FaultKind[], calms: readonly Calm[]): PlannedFault[] {
  const planned: PlannedFault[] = []
  const [least, most] = PAUSES_MS[lane]
  let stormFromMs = 0
  for (const calm of calms) {
    let atMs = stormFromMs + random.integer(0, least)
    for (let misfits = 0; misfits < MISFITS; ) {
      const kind = random.weighted(kinds)
      const details = kind.draw(random)
      const forMs = Number(details.forMs ?? INSTANT_MS)
      if (atMs + forMs > calm.fromMs) {
        misfits++
        continue
      }
      planned.push({ atMs, kind: kind.name, lane, details })
      // What happens to workers and their connections may overlap; the server can do one thing at a time.
      atMs += (lane === 'server' ? forMs : 0) + random.integer(least, most)
    }
    stormFromMs = calm.untilMs
  }
  return planned
}

/** In the storm that comes after half of them. */
function turningPointOf(random: Random, kind: FaultKind, calms: readonly Calm[]): PlannedFault {
  const half = Math.floor(calms.length / 2)
  const fromMs = calms[half - 1]?.untilMs ?? 0
  const untilMs = calms[half]?.fromMs ?? fromMs
  const atMs = Math.round(fromMs + (untilMs - fromMs) * 0.3)
  return { atMs, kind: kind.name, lane: kind.lane, details: kind.draw(random) }
}
