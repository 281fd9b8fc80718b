import { beforeEach, describe, expect, test } from 'vitest'
import { meaningOfMysqlError } from '../../src/dialects/mysql/errors.ts'
import { meaningOfPostgresError } from '../../src/dialects/postgres/errors.ts'
import { ownOrPool } from '../../src/executors/own-or-pool.ts'
import { ReopeningConnection, type Session, type SessionEvents } from '../../src/executors/reopening-connection.ts'
import type { Answer } from '../../src/statement.ts'
import { FakeClock } from '../support/fake-clock.ts'

const ANSWER: Answer = { rows: [{ one: 1 }], affectedRows: 1, insertId: 0 }
const SELECT = { sql: 'select 1' }

/** A session that answers when the test says so. */
class ScriptedSession implements Session {
  readonly events: SessionEvents
  readonly statements: { answer(): void; fail(error: Error): void }[] = []
  fate = 'open'

  constructor(events: SessionEvents) {
    this.events = events
  }

  execute(): Promise<Answer> {
    return new Promise((resolve, reject) => {
      this.statements.push({ answer: () => resolve(ANSWER), fail: reject })
    })
  }

  async end(): Promise<void> {
    this.fate = 'goodbye'
  }

  destroy(): void {
    if (this.fate === 'open') this.fate = 'destroyed'
  }
}

let clock: FakeClock
let sessions: ScriptedSession[]
let openings: { open(): void; fail(error: Error): void }[]
let connection: ReopeningConnection

beforeEach(() => {
  clock = new FakeClock()
  sessions = []
  openings = []
  connection = new ReopeningConnection((events) => {
    return new Promise((resolve, reject) => {
      const open = () => {
        const session = new ScriptedSession(events)
        sessions.push(session)
        resolve(session)
      }
      openings.push({ open, fail: reject })
    })
  }, clock)
})

/** What becomes of a call: its kind, as both dialects read it. */
function outcomeOf(call: Promise<Answer>): { now: string } {
  const outcome = { now: 'waits' }
  call.then(
    () => {
      outcome.now = 'answered'
    },
    (error) => {
      const meanings = new Set([meaningOfPostgresError(error), meaningOfMysqlError(error, 'extend')])
      outcome.now = [...meanings].join()
    },
  )
  return outcome
}

const send = (withinMs = 5_000) => outcomeOf(connection.execute(SELECT, [], withinMs))

describe('opening', () => {
  test('happens at the first use, once for all who want to send', async () => {
    expect(openings.length).toBe(0)
    const [a, b] = [send(), send()]
    await clock.pass(100)
    expect([openings.length, connection.isOpen]).toEqual([1, false])
    openings[0]?.open()
    await clock.pass(0)
    expect([sessions[0]?.statements.length, connection.isOpen]).toEqual([2, true])
    for (const { answer } of sessions[0]?.statements ?? []) answer()
    await clock.pass(0)
    expect([a.now, b.now]).toEqual(['answered', 'answered'])
  })

  test('that fails is `unreachable` for everybody, and is not remembered', async () => {
    const [a, b] = [send(), send()]
    openings[0]?.fail(Object.assign(new Error('no such user'), { code: '28P01' }))
    await clock.pass(0)
    expect([a.now, b.now]).toEqual(['unreachable', 'unreachable'])
    const c = send()
    openings[1]?.open()
    await clock.pass(0)
    sessions[0]?.statements[0]?.answer()
    await clock.pass(0)
    expect(c.now).toBe('answered')
  })

  test('may take half of the time; nothing is sent for who has gone, and others still wait for it', async () => {
    const [hasty, patient] = [send(1_000), send(10_000)]
    await clock.pass(500)
    expect([hasty.now, patient.now]).toEqual(['unreachable', 'waits'])
    openings[0]?.open()
    await clock.pass(0)
    expect([openings.length, sessions[0]?.statements.length]).toEqual([1, 1])
  })

  test('a session that is lost before anybody could use it is not used', async () => {
    const a = send()
    openings[0]?.open()
    sessions[0]?.events.lost(new Error('gone'))
    await clock.pass(0)
    expect([a.now, connection.isOpen]).toEqual(['unanswered', false])
    send()
    expect(openings.length).toBe(2)
  })
})

describe('an open session', () => {
  async function open() {
    const first = send()
    openings.at(-1)?.open()
    await clock.pass(0)
    sessions.at(-1)?.statements[0]?.answer()
    await clock.pass(0)
    expect(first.now).toBe('answered')
    return sessions.at(-1) as ScriptedSession
  }

  test('whose answer is late is given up, with all that is in flight; what is sent next opens a new one', async () => {
    const session = await open()
    const [hasty, patient] = [send(1_000), send(60_000)]
    await clock.pass(999)
    expect([hasty.now, session.fate]).toEqual(['waits', 'open'])
    await clock.pass(1)
    expect([hasty.now, patient.now, session.fate]).toEqual(['unanswered', 'unanswered', 'destroyed'])
    expect([connection.isOpen, clock.pending]).toEqual([false, 0])
    await open()
    expect(openings.length).toBe(2)
    // The old session cannot do anything to the new one.
    session.events.lost(new Error('late'))
    expect(connection.isOpen).toBe(true)
  })

  test('that is lost leaves its statements unanswered', async () => {
    const session = await open()
    const a = send()
    await clock.pass(0)
    session.events.lost(new Error('gone'))
    await clock.pass(0)
    expect([a.now, connection.isOpen]).toEqual(['unanswered', false])
  })

  test('answers a refused statement with the error of the driver, and stays', async () => {
    const session = await open()
    const a = send()
    await clock.pass(0)
    session.statements[1]?.fail(Object.assign(new Error('refused'), { code: '22000', errno: 1_000 }))
    await clock.pass(0)
    expect([a.now, connection.isOpen]).toEqual(['failed', true])
  })

  test('is closed after a minute without use', async () => {
    const session = await open()
    await clock.pass(50_000)
    const a = send(60_000)
    await clock.pass(30_000)
    sessions[0]?.statements[1]?.answer()
    await clock.pass(0)
    expect(a.now).toBe('answered')
    await clock.pass(59_000)
    expect(session.fate).toBe('open')
    await clock.pass(1_000)
    expect([session.fate, connection.isOpen, clock.pending]).toEqual(['goodbye', false, 0])
  })

  test('stays while somebody hears on it', async () => {
    const heard: string[] = []
    const end = connection.hear({
      notified: (_channel, payload) => heard.push(payload),
      lost: () => heard.push('lost'),
    })
    expect(openings.length).toBe(0)
    const session = await open()
    session.events.notified('c', 'key')
    await clock.pass(300_000)
    await connection.close()
    expect([heard, session.fate, connection.isOpen]).toEqual([['key'], 'open', true])
    session.events.lost(new Error('gone'))
    expect(heard).toEqual(['key', 'lost'])
    const next = await open()
    session.events.notified('c', 'from the past')
    end()
    next.events.notified('c', 'unheard')
    await clock.pass(60_000)
    expect([heard, next.fate]).toEqual([['key', 'lost'], 'goodbye'])
  })

  test('is closed at once by close, after what is in flight; a statement that lasts is not cut off', async () => {
    const session = await open()
    const a = send(60_000)
    await clock.pass(0)
    let isClosed = false
    const closed = connection.close().then(() => {
      isClosed = true
    })
    await clock.pass(500)
    expect([isClosed, session.fate]).toEqual([false, 'open'])
    session.statements[1]?.answer()
    await clock.pass(0)
    await closed
    expect([a.now, session.fate, clock.pending]).toEqual(['answered', 'goodbye', 0])

    const other = await open()
    send(60_000)
    await clock.pass(0)
    const closedLate = connection.close()
    await clock.pass(1_000)
    await closedLate
    expect(other.fate).toBe('open')
    other.statements[1]?.answer()
    await clock.pass(0)
    expect([other.fate, clock.pending]).toEqual(['goodbye', 0])
  })

  test('that is being opened while close is called is closed when it is there', async () => {
    send(100)
    await clock.pass(100)
    await connection.close()
    openings[0]?.open()
    await clock.pass(0)
    expect([sessions[0]?.fate, clock.pending]).toEqual(['goodbye', 0])
  })
})

describe('where no connection can be had', () => {
  test('the pool is asked, with the time that is left; a statement that was sent is not sent there', async () => {
    const asked: string[] = []
    let answerPool = () => {}
    const pool = {
      execute({ sql }: { sql: string }): Promise<Answer> {
        asked.push(sql)
        return new Promise((resolve) => {
          answerPool = () => resolve(ANSWER)
        })
      },
    }
    const either = ownOrPool(connection, pool, clock)
    const a = outcomeOf(either.execute(SELECT, [], 1_000))
    openings[0]?.fail(new Error('too many'))
    await clock.pass(0)
    answerPool()
    await clock.pass(0)
    expect([a.now, asked.length, clock.pending]).toEqual(['answered', 1, 0])

    const b = outcomeOf(either.execute(SELECT, [], 1_000))
    await clock.pass(500)
    expect([b.now, asked.length]).toEqual(['waits', 2])
    await clock.pass(500)
    expect(b.now).toBe('unanswered')

    const c = outcomeOf(either.execute(SELECT, [], 1_000))
    openings[1]?.open()
    await clock.pass(1_000)
    expect([c.now, asked.length]).toEqual(['unanswered', 2])
  })
})
