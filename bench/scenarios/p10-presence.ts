import { setTimeout as sleep } from 'node:timers/promises'
import type { Bench } from '../bench.ts'
import { openCrew } from '../measure/open-crew.ts'
import { spreadOf } from '../measure/spread.ts'
import { NotRun } from '../not-run.ts'
import { connect } from '../places/connect.ts'
import type { Place } from '../places/place.ts'
import type { Cell, Findings } from '../report/results.ts'
import { Crew } from '../workers/crew.ts'
import type { Scenario } from './scenario.ts'

const PEER = 'verrou-sql with presence'
const LEASES = 1_000
const TTL_MS = 300_000
const PATIENCE_MS = 30_000
const POOL_SIZE = 10

interface Seen {
  /** From the kill until the server had none of its sessions any more. */
  readonly noticedMs: number
  readonly firstMs: number
  readonly allMs: number
  readonly seized: number
}

export const p10Presence: Scenario = {
  id: 'P10',
  title: 'A killed process and its leases',
  measures: `A process takes ${LEASES.toLocaleString('en')} leases with a TTL of ${TTL_MS / 60_000} minutes and is killed with SIGKILL. Another one tries for all of them, over and over. From the kill until the last one is granted; and from the moment at which the server shows no session of the dead process any more.`,
  means:
    'How long work stands still after a crash. Without presence it is the rest of the TTL, here up to 5 minutes, for every lease library.',
  async run(bench) {
    await using open = new AsyncDisposableStack()
    const place = open.use(await bench.place('postgres'))
    const rounds: Seen[] = []
    try {
      for (let round = 0; round < bench.settings.rounds; round++) {
        bench.progress.say(`round ${round + 1}: taking ${LEASES} leases, and killing who holds them`)
        rounds.push(await killed(bench, place, round))
      }
    } catch (error) {
      if (!(error instanceof NotRun)) throw error
      const { message: reason } = error
      return { ...NOTHING, targets: [{ ...TARGET, reason }], leftOut: [{ what: PEER, reason }] }
    }
    const late = rounds.map(({ allMs, noticedMs }) => Math.max(0, allMs - noticedMs))
    const isAll = rounds.every(({ seized }) => seized === LEASES)
    const reason = `not all were granted within ${PATIENCE_MS / 1000} s`
    const rows = rounds.map(({ noticedMs, firstMs, allMs, seized }, round): Cell[] => {
      return [round + 1, seized, noticedMs, firstMs, allMs, late[round] as number]
    })
    return {
      ...NOTHING,
      targets: [{ ...TARGET, ...(isAll ? { seen: spreadOf(late) } : { reason }) }],
      tables: [{ title: 'After the kill', columns: COLUMNS, rows }],
    }
  },
}

const TARGET = { what: 'all granted elsewhere after the server noticed', atMost: 100, unit: 'ms' }

const NOTHING: Findings = { targets: [], tables: [], charts: [], notes: [], leftOut: [] }

const COLUMNS = [
  ...[{ title: 'round' }, { title: 'granted', digits: 0 }, { title: 'noticed by the server, ms', digits: 1 }],
  ...[
    { title: 'first granted, ms', digits: 1 },
    { title: 'all granted, ms', digits: 1 },
  ],
  { title: 'all granted after it was noticed, ms', digits: 1 },
]

async function killed(bench: Bench, place: Place, round: number): Promise<Seen> {
  const name = `verrou bench, dead in round ${round}`
  const url = new URL(place.url)
  url.searchParams.set('application_name', name)
  const { crew: heirs } = await openCrew({ label: 'heir', peer: PEER, place }, bench.signal)
  await using _heirs = heirs
  await using watching = await connect(place.url)
  await using holder = await Crew.open(
    { peer: PEER, url: url.href, poolSize: POOL_SIZE, tableName: undefined },
    1,
    bench.signal,
  )
  const prefix = `lease of round ${round}: `
  await holder.obey(() => ({ kind: 'hold', prefix, count: LEASES, ttlMs: TTL_MS }))
  const originNs = `${process.hrtime.bigint()}`
  holder.kill()
  const order = { kind: 'seize', prefix, count: LEASES, originNs, patienceMs: PATIENCE_MS } as const
  const [noticedMs, [done]] = await Promise.all([
    untilGone(watching.send, name, BigInt(originNs)),
    heirs.obey(() => order),
  ])
  const seized = done?.seizedMs ?? []
  return { noticedMs, firstMs: seized[0] ?? Number.NaN, allMs: seized.at(-1) ?? Number.NaN, seized: seized.length }
}

async function untilGone(send: Place['send'], name: string, originNs: bigint): Promise<number> {
  const nowMs = () => Number(process.hrtime.bigint() - originNs) / 1e6
  for (;;) {
    const alive = await send(`select 1 from pg_stat_activity where application_name = '${name}' limit 1`)
    const atMs = nowMs()
    if (alive.length === 0 || atMs > PATIENCE_MS) return atMs
    await sleep(1)
  }
}
