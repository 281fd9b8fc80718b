import { expect, test } from 'vitest'
import { dialectNamed } from '../src/dialects/detect.ts'
import { renewAll, type SendRenewal } from '../src/store/renew-all.ts'

const dialect = dialectNamed('mysql', { tableName: 'verrou_locks', schema: undefined })

/** A database that extends all but the keys in the way: those are locked, and the hold's still. */
function sendingTo(locked: ReadonlySet<string>): { send: SendRenewal; sent: () => number } {
  let sent = 0
  const send: SendRenewal = async (statement, { renewals = [], key }) => {
    sent++
    if (statement.name === 'inspect') {
      const told = { acquired_at: 1, held_by: null, renewals: 0, wanted: 0 }
      const row = { owner: 'o', token: 1, remaining: 1_000, now: 1, ...told }
      return { rows: locked.has(String(key)) ? [row] : [], affectedRows: 0, insertId: 0 }
    }
    const extended = renewals.filter((one) => !locked.has(one.key) && !one.key.startsWith('gone'))
    return { rows: [], affectedRows: extended.length, insertId: extended.length > 0 ? 7 : 0 }
  }
  return { send, sent: () => sent }
}

const renewals = Array.from({ length: 1_000 }, (_, index) => ({
  hold: { key: `k${index}`, owner: 'o', token: 1 },
  ttlUs: 1_000_000,
}))

test('one locked row among a thousand costs a few statements, and nobody else', async () => {
  const { send, sent } = sendingTo(new Set(['k321']))
  const answers = await renewAll(dialect, renewals, send, () => false)
  expect(answers.map(({ kind }) => kind).indexOf('held')).toBe(321)
  expect(answers.filter(({ kind }) => kind === 'renewed')).toHaveLength(999)
  expect(sent()).toBeLessThan(30)
})

test('what cannot be asked in time is held still, and what was heard counts', async () => {
  const { send, sent } = sendingTo(new Set(['k900']))
  const answers = await renewAll(dialect, renewals, send, () => sent() > 4)
  expect(answers.slice(0, 500).every(({ kind }) => kind === 'renewed')).toBe(true)
  expect(answers.some(({ kind }) => kind === 'lost')).toBe(false)
  expect(sent()).toBeLessThan(10)
})
