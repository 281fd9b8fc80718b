import { spawn } from 'node:child_process'
import { existsSync, mkdtempSync, readdirSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { setTimeout as pause } from 'node:timers/promises'
import { fileURLToPath } from 'node:url'
import { afterAll, describe, expect, test } from 'vitest'
import { ACTS } from '../src/cli/demo/acts.ts'
import { problemsIn } from '../src/cli/demo/check-act.ts'
import type { ActResult } from '../src/cli/demo/play-act.ts'
import { drawTimeline } from '../src/cli/demo/timeline.ts'

const MAIN = fileURLToPath(new URL('../src/cli/main.ts', import.meta.url))
/** Where the demo makes its own temporary folder, so that one sees whether it has removed it. */
const TEMPORARY = mkdtempSync(join(tmpdir(), 'verrou-demo-test-'))

afterAll(() => rmSync(TEMPORARY, { recursive: true, force: true }))

describe('the demo', () => {
  test('oversells without a lock, and not with it, not even when a holder is killed', { timeout: 40_000 }, async () => {
    const startMs = performance.now()
    const { output, errors, exitCode } = await runDemo().ended
    expect(errors).toBe('')
    expect(output).toMatch(/^. \d+ tickets sold for 200 seats: [1-9]\d* oversold/m)
    expect(output.match(/^✓ 200 tickets sold for 200 seats: 0 oversold/gm)).toHaveLength(2)
    expect(output).toMatch(/│ 1 without a lock +│ +\d+ │ +[1-9]\d* │ +[1-9]\d* │/)
    expect(output).toMatch(/│ 2 with lock.run +│ +200 │ +0 │ +0 │/)
    expect(output).toMatch(/│ 3 a holder is killed +│ +200 │ +0 │ +0 │/)
    expect(output).toMatch(/^worker 2 .*✗░+/m)
    expect(output, 'no escape codes where there is no terminal').not.toContain('\u001b')
    expect(exitCode).toBe(0)
    expect(performance.now() - startMs).toBeLessThan(30_000)
    expect(readdirSync(TEMPORARY)).toEqual([])
  })

  test('stopped by Ctrl-C, ends its workers and removes its folder', { timeout: 40_000 }, async () => {
    const demo = runDemo()
    await demo.says('Act 1')
    const workers = childrenOf(demo.pid)
    demo.interrupt()
    expect((await demo.ended).exitCode).toBe(130)
    expect(workers.filter(isAlive)).toEqual([])
    expect(readdirSync(TEMPORARY)).toEqual([])
  })

  test.each([
    ['an unknown option', ['--speed', 'fast'], /^verrou: unknown option '--speed'.*\n$/],
    ['a URL that is none', ['--url', 'nonsense'], /^verrou: --url is not the URL of a server: give .*\n$/],
    [
      'a URL of another database',
      ['--url', 'oracle://me:secret@there/x'],
      /^verrou: --url begins with oracle:\/\/, which is none of ours: give postgres:.*\n$/,
    ],
  ])('refuses %s in one line, without the password', async (_name, given, message) => {
    const { errors, exitCode } = await runDemo(...given).ended
    expect(errors).toMatch(message)
    expect(errors).not.toContain('secret')
    expect(exitCode).toBe(64)
  })

  test.each(['postgres', 'mysql'])(
    'says in one line that a %s server is down',
    { timeout: 20_000 },
    async (protocol) => {
      const { errors, exitCode } = await runDemo('--url', `${protocol}://me:secret@127.0.0.1:1/x`).ended
      expect(errors).toMatch(/^verrou: cannot use \w+:\/\/me@127\.0\.0\.1:1\/x: .*ECONNREFUSED.*\n$/)
      expect(errors).not.toContain('secret')
      expect(exitCode).toBe(69)
    },
  )

  test('explains its options', async () => {
    const { output, exitCode } = await runDemo('--help').ended
    expect(output).toContain('--url <url>')
    expect(exitCode).toBe(0)
  })
})

describe('the timeline', () => {
  const hold = (fromMs: number, toMs: number) => ({ fromMs, toMs })

  test('fills each cell as far as the lock was held in its time', () => {
    const rows = [
      { label: 'a', holds: [hold(1000, 1200), hold(1350, 1400)] },
      { label: 'b', holds: [hold(1210, 1222)] },
    ]
    const lines = drawTimeline(rows, { window: hold(1000, 2000), zeroMs: 1000, columns: 13 })
    expect(lines.slice(0, 2)).toEqual(['a ██ ▄      ', 'b   ▁       '])
  })

  test('marks the kill, and the lease that the dead holder leaves behind', () => {
    const rows = [
      { label: 'a', holds: [hold(0, 350)], orphaned: hold(350, 800) },
      { label: 'b', holds: [hold(800, 1000)] },
    ]
    const lines = drawTimeline(rows, { window: hold(0, 1000), zeroMs: 0, columns: 13 })
    expect(lines.slice(0, 2)).toEqual(['a ███✗░░░░  ', 'b         ██'])
  })

  test('has an axis in seconds that counts from the given moment and fits into the columns', () => {
    const lines = drawTimeline([{ label: 'a', holds: [] }], { window: hold(5500, 8500), zeroMs: 5000, columns: 33 })
    expect(lines.slice(1)).toEqual(['  ─────┴─────────┴─────────┴────', '       1 s       2 s       3 s'])
    for (const columns of [20, 33, 80, 131]) {
      const drawn = drawTimeline([{ label: 'worker 1', holds: [] }], { window: hold(0, 4321), zeroMs: 0, columns })
      expect(drawn.every((line) => line.length <= columns)).toBe(true)
    }
  })

  test('paints the cells, not the label', () => {
    const rows = [{ label: 'a', holds: [hold(0, 10)], paint: (text: string) => `<${text}>` }]
    expect(drawTimeline(rows, { window: hold(0, 10), zeroMs: 0, columns: 13 })[0]).toBe('a <██████████>')
  })
})

describe('the check of an act', () => {
  const [without, withLock, withKill] = ACTS
  const soldOut = { tickets: 200, takenSeats: 200, seatsLeft: 0 }
  const hold = (worker: number, token: number, fromMs: number) => ({ worker, token, fromMs, toMs: fromMs + 5 })
  const victim = { ...hold(2, 7, 1000), toMs: 1300 }
  const right: ActResult = {
    ...{ act: withLock!, count: soldOut, openedAtMs: 900, endedAtMs: 4000, kill: null },
    holds: [hold(1, 5, 900), victim, hold(3, 8, 2501)],
  }
  const kill = { hold: victim, leaseEndsAtMs: 2500 }
  const killed: ActResult = { ...right, act: withKill!, kill }

  test('finds nothing where all is right', () => {
    expect(problemsIn(right)).toEqual([])
    expect(problemsIn(killed)).toEqual([])
    expect(problemsIn({ ...right, act: without!, count: { ...soldOut, tickets: 201 } })).toEqual([])
  })

  test.each<[name: string, result: ActResult, problem: string]>([
    ['no oversale without a lock', { ...right, act: without! }, 'nothing was oversold'],
    ['an oversale', { ...right, count: { ...soldOut, tickets: 201 } }, '201 tickets were sold for 200 seats'],
    ['one seat sold twice instead of another', { ...right, count: { ...soldOut, takenSeats: 199 } }, '199 seats'],
    ['a lost update', { ...right, count: { ...soldOut, seatsLeft: 1 } }, '1 updates are lost'],
    ['a token that fell', { ...right, holds: [hold(1, 5, 900), hold(3, 4, 950)] }, '1 fencing tokens are not higher'],
    [
      'a token granted twice',
      { ...right, holds: [hold(1, 5, 900), hold(3, 5, 950)] },
      '1 fencing tokens are not higher',
    ],
    ['no kill', { ...killed, kill: null }, 'no worker was killed'],
    ['a kill after the lease', { ...killed, kill: { ...kill, leaseEndsAtMs: 1299 } }, 'too slow'],
    ['nobody after the kill', { ...killed, holds: [victim] }, 'nobody got the lock'],
    ['a takeover before the TTL', { ...killed, holds: [victim, hold(3, 8, 2400)] }, '100 ms before the lease'],
    ['a takeover long after it', { ...killed, holds: [victim, hold(3, 8, 4500)] }, 'only 2000 ms after'],
  ])('finds %s', (_name, result, problem) => {
    expect(problemsIn(result).join('; ')).toContain(`act ${result.act.number}: `)
    expect(problemsIn(result).join('; ')).toContain(problem)
  })
})

/** The demo as a process of its own, without a terminal. */
function runDemo(...given: string[]) {
  const env = { ...process.env, TMPDIR: TEMPORARY }
  const demo = spawn(process.execPath, [MAIN, 'demo', ...given], { env, stdio: ['ignore', 'pipe', 'pipe'] })
  let output = ''
  let errors = ''
  demo.stdout.setEncoding('utf8').on('data', (text: string) => (output += text))
  demo.stderr.setEncoding('utf8').on('data', (text: string) => (errors += text))
  return {
    pid: demo.pid!,
    interrupt: () => demo.kill('SIGINT'),
    async says(text: string) {
      while (!output.includes(text)) await pause(20)
    },
    ended: new Promise<{ output: string; errors: string; exitCode: number | null }>((resolve) => {
      demo.on('close', (exitCode) => resolve({ output, errors, exitCode }))
    }),
  }
}

function childrenOf(pid: number): number[] {
  const list = `/proc/${pid}/task/${pid}/children`
  // Only Linux has it; elsewhere the test sees less.
  return existsSync(list) ? readFileSync(list, 'utf8').split(' ').filter(Boolean).map(Number) : []
}

function isAlive(pid: number): boolean {
  return existsSync(`/proc/${pid}`)
}
