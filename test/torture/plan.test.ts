import { describe, expect, test } from 'vitest'
import type { FaultKind, Lane } from './fault.ts'
import { type Plan, type PlannedFault, planOf } from './plan.ts'
import { faultsOf } from './torture.ts'

const FAMILIES = ['sqlite', 'postgres', 'mysql'] as const
const DURATIONS_MS = [12_000, 60_000, 600_000]

const turningPoint: FaultKind = {
  ...{ name: 'failover', lane: 'server', weight: 10 },
  draw: (random) => ({ lagMs: random.integer(200, 800) }),
  inject: async () => {},
}

describe.each(FAMILIES)('the plan for %s', (family) => {
  const kinds = kindsOf(family)
  const plans = (durationMs: number) => [1, 2, 3, 42, 999_999].map((seed) => planOf(seed, durationMs, kinds))

  test('the same seed makes the same trouble, another one another', () => {
    const plan = planOf(42, 60_000, kinds, turningPoint)
    expect(planOf(42, 60_000, kindsOf(family), turningPoint)).toEqual(plan)
    expect(planOf(43, 60_000, kinds, turningPoint).faults).not.toEqual(plan.faults)
    expect(JSON.parse(JSON.stringify(plan))).toEqual(plan)
  })

  test('every kind has its turn in ten minutes', () => {
    const drawn = new Set(planOf(7, 600_000, kinds).faults.map(({ kind }) => kind))
    expect([...drawn].sort()).toEqual(kinds.map(({ name }) => name).sort())
  })

  test('lanes are independent: without the faults of one, all else stays', () => {
    const { faults } = planOf(42, 60_000, kinds, turningPoint)
    for (const lane of new Set(kinds.map((kind) => kind.lane))) {
      const others = planOf(42, 60_000, without(kinds, lane), turningPoint).faults
      expect(others).toEqual(faults.filter((fault) => fault.lane !== lane || fault.kind === turningPoint.name))
    }
  })

  describe.each(DURATIONS_MS)('of %i ms', (durationMs) => {
    test('every fault begins and ends in a storm', () => {
      const planned = plans(durationMs)
      expect(planned.flatMap((plan) => plan.faults.filter((fault) => !isWithinStorm(plan, fault)))).toEqual([])
      for (const { faults } of planned)
        expect(new Set(faults.map(({ lane }) => lane))).toEqual(new Set(kinds.map(({ lane }) => lane)))
    })

    test('one thing at a time happens to the server', () => {
      const overlaps = plans(durationMs).flatMap(({ faults }) => {
        const ofServer = faults.filter(({ lane }) => lane === 'server')
        return ofServer.filter((fault, index) => fault.atMs < endOf(ofServer[index - 1]))
      })
      expect(overlaps).toEqual([])
    })
  })
})

test('what takes longer than a storm has room for is left out', () => {
  const long: FaultKind = { ...turningPoint, name: 'long', draw: () => ({ forMs: 20_000 }) }
  expect(planOf(1, 60_000, [long]).faults).toEqual([])
})

describe.each(DURATIONS_MS)('a torture of %i ms', (durationMs) => {
  const plan = planOf(42, durationMs, kindsOf('postgres'), turningPoint)

  test('ends with a calm, and no calm is longer than the storm before it', () => {
    expect(plan.calms.at(-1)?.untilMs).toBe(durationMs)
    for (const { fromMs, stormFromMs, untilMs } of stormsOf(plan)) {
      expect(stormFromMs).toBeLessThan(fromMs)
      expect(untilMs - fromMs).toBeGreaterThan(1_000)
      expect(untilMs - fromMs).toBeLessThanOrEqual(fromMs - stormFromMs)
    }
  })

  test('has its turning point once, in the storm after half of them', () => {
    const turns = plan.faults.filter(({ kind }) => kind === turningPoint.name)
    expect(turns).toHaveLength(1)
    const before = stormsOf(plan).filter(({ untilMs }) => untilMs <= (turns[0]?.atMs ?? 0))
    expect(before).toHaveLength(Math.floor(plan.calms.length / 2))
    expect(isWithinStorm(plan, turns[0])).toBe(true)
  })

  test('is told in the order of time', () => {
    const times = plan.faults.map(({ atMs }) => atMs)
    expect(times).toEqual(times.toSorted((a, b) => a - b))
  })
})

test('without any faults there is one calm', () => {
  expect(planOf(42, 60_000, [])).toEqual({
    ...{ faults: [], calms: [{ fromMs: 3_000, untilMs: 60_000 }], durationMs: 60_000 },
  })
})

function kindsOf(family: (typeof FAMILIES)[number]): FaultKind[] {
  return faultsOf({
    ...{ name: family, family, version: '1', faults: [] },
    adminUrl: () => '',
    workerUrl: () => '',
    endpointOf: () => undefined,
    hasSessionLocks: false,
    onMoved: () => {},
    heal: async () => {},
    stop: async () => {},
  })
}

function without(kinds: readonly FaultKind[], lane: Lane): FaultKind[] {
  return kinds.filter((kind) => kind.lane !== lane)
}

function endOf(fault: PlannedFault | undefined): number {
  return (fault?.atMs ?? 0) + Number(fault?.details.forMs ?? 0)
}

function stormsOf({ calms }: Plan) {
  return calms.map((calm, index) => ({ ...calm, stormFromMs: calms[index - 1]?.untilMs ?? 0 }))
}

function isWithinStorm(plan: Plan, fault: PlannedFault | undefined): boolean {
  return stormsOf(plan).some(
    ({ stormFromMs, fromMs }) => fault !== undefined && fault.atMs >= stormFromMs && endOf(fault) <= fromMs,
  )
}
