import { listeningStatements } from '../../../dialects/postgres/listening-statements.ts'
import type { HearingConnection } from '../../../executors/reopening-connection.ts'
import { randomId } from '../../../random-id.ts'
import { ListeningProbe } from '../../../store/listening-probe.ts'
import { systemClock } from '../../../system-clock.ts'
import { reasonOf } from '../../output/reason-of.ts'
import { type BesidePool, besidePool, NO_POOL } from '../beside-pool.ts'
import { note, ok, type Remark, unchecked, warning } from '../finding.ts'
import type { Check } from './check.ts'

const ANSWER_MS = 5_000
const PROBES = 5
/** From here on, a hand-over takes longer than a poll would. */
const SLOW_MS = 250

/** Whether a notification arrives, as it does at a release, and how long it takes. */
export const listen: Check = {
  name: 'listen',
  async run(patient) {
    if (patient.dialect === 'sqlite') return []
    if (patient.dialect === 'mysql') return [ok(`${patient.engine.name} has nothing to listen to: waiters poll`)]
    if (patient.engine.name === 'CockroachDB') {
      return [
        note('CockroachDB has no NOTIFY: waiters poll', 'a freed key is granted within `delay`, 250 ms by default'),
      ]
    }
    const beside = besidePool(patient)
    if (!beside) return [unchecked(NO_POOL)]
    const connection = beside.connect()
    try {
      return [await heard(connection, beside.executor)]
    } finally {
      await connection.close()
    }
  },
}

async function heard(connection: HearingConnection, executor: BesidePool['executor']): Promise<Remark> {
  // A channel of its own: nobody is woken.
  const channel = `verrou_doctor_${randomId()}`
  const { listen, probe: wording } = listeningStatements(channel)
  let refusal: unknown
  let wake = () => {}
  const send = (id: string) =>
    executor.execute(wording, [channel, id]).catch((error) => {
      refusal = error
      throw error
    })
  const probe = new ListeningProbe(systemClock, send, () => wake())
  const stopHearing = connection.hear({
    notified: (_channel, payload) => void probe.notified(payload),
    lost: (cause) => {
      refusal = cause
      wake()
    },
  })
  const settled = async () => {
    while (probe.isPending && !probe.isDeaf && !refusal) {
      await new Promise<void>((resolve) => {
        wake = resolve
        systemClock.after(probe.leftMs() || 1, resolve)
      })
    }
  }
  try {
    await connection.execute(listen, [], ANSWER_MS)
    const tookMs: number[] = []
    for (let n = 0; n < PROBES; n++) {
      const startMs = performance.now()
      probe.send()
      await settled()
      if (refusal) return unchecked(reasonOf(refusal))
      if (!probe.hasArrived) return deaf()
      tookMs.push(performance.now() - startMs)
    }
    return remarkOn(tookMs.sort((a, b) => a - b)[Math.floor(PROBES / 2)] as number)
  } finally {
    stopHearing()
  }
}

function remarkOn(medianMs: number): Remark {
  const text = `a notification arrives after ${medianMs.toFixed(1)} ms (median of ${PROBES})`
  if (medianMs < SLOW_MS) return ok(text)
  return note(
    text,
    'waiters in other processes are told late that a key is free',
    'look at the network between app and database',
  )
}

function deaf(): Remark {
  return warning(
    'notifications do not arrive (as through a pooler in transaction mode)',
    'waiters poll: a freed key is granted within `delay`, 250 ms by default, and each waiting process asks that often',
    "give stores a direct address, `listen: { connectionString: 'postgres://…' }`, or `listen: false`",
  )
}
