import { appendFileSync, mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { HistoryWriter, readHistories, sharedTime } from './history.ts'

let folder: string
beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'verrou-history-'))
})
afterEach(() => rmSync(folder, { recursive: true }))

test('all processes’ lines, in the order of time, each with its process', () => {
  const [one, other] = [new HistoryWriter(folder, '0.1'), new HistoryWriter(folder, '3.2')]
  one.write({ e: 'force', key: 'é\n"' }, 20)
  other.write({ e: 'closed' }, 10)
  one.write({ e: 'stalled', forMs: 3 }, 30)
  one.close()
  other.close()
  writeFileSync(join(folder, 'trail.json-lines'), 'not a history\n')
  expect(readHistories(folder)).toEqual([
    { t: 10, e: 'closed', process: '3.2' },
    { t: 20, e: 'force', key: 'é\n"', process: '0.1' },
    { t: 30, e: 'stalled', forMs: 3, process: '0.1' },
  ])
})

test('half a last line, of a process that is writing or was killed, is left out; and so is an empty history', () => {
  const history = new HistoryWriter(folder, '0.1')
  history.write({ e: 'force', key: 'whole' }, 1)
  history.close()
  appendFileSync(join(folder, '0.1.jsonl'), '{"t":2,"e":"force","ke')
  new HistoryWriter(folder, '1.1').close()
  expect(readHistories(folder)).toEqual([{ t: 1, e: 'force', key: 'whole', process: '0.1' }])
})

test('what is written stays: there is nothing that a kill could take away', () => {
  const history = new HistoryWriter(folder, '0.1')
  history.write({ e: 'closed' })
  const [event] = readHistories(folder)
  history.close()
  expect(event?.e).toBe('closed')
})

test('the shared time is in microseconds, and goes on', async () => {
  const from = sharedTime()
  await new Promise((resolve) => setTimeout(resolve, 20))
  const tookMs = (sharedTime() - from) / 1000
  expect(tookMs).toBeGreaterThan(15)
  expect(tookMs).toBeLessThan(5_000)
  expect(Number.isSafeInteger(from)).toBe(true)
})
