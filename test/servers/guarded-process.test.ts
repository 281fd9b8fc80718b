import { type ChildProcess, spawn } from 'node:child_process'
import { existsSync } from 'node:fs'
import { mkdtemp, readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test, vi } from 'vitest'
import { runGuardedStep, startGuardedServer } from './guarded-process.ts'

// Stands in for a server: writes down its pid and stays.
const SERVER = ['/bin/sh', '-c', 'echo $$ >pid && exec sleep 1000']
// A script, like mariadb-install-db: its work is done by a child of its own.
const STEP = ['/bin/sh', '-c', 'sleep 1000 & echo $! >pid && wait']

const children: ChildProcess[] = []
afterEach(() => {
  for (const child of children.splice(0)) child.kill('SIGKILL')
})

test.for(['SIGKILL', 'SIGINT', 'SIGTERM'] as const)(
  'a server ends, and its folder goes, when its test run ends by %s',
  async (signal) => {
    const folder = await newFolder()
    const testRun = startTestRun('startGuardedServer', { command: SERVER, folder })
    const pid = await writtenPid(folder)

    testRun.kill(signal)
    await vi.waitFor(() => expect([isRunning(pid), existsSync(folder)]).toEqual([false, false]), 5_000)
  },
)

test('a step ends with all that it started, and its folder goes, when its test run is killed', async () => {
  const folder = await newFolder()
  const testRun = startTestRun('runGuardedStep', { command: STEP, folder })
  const pid = await writtenPid(folder)

  testRun.kill('SIGKILL')
  await vi.waitFor(() => expect([isRunning(pid), existsSync(folder)]).toEqual([false, false]), 5_000)
})

test('stopping a server waits until it is gone and its folder removed', async () => {
  const folder = await newFolder()
  const server = startGuardedServer({ command: SERVER, folder })
  const pid = await writtenPid(folder)

  await server.stop()
  expect([server.hasEnded(), isRunning(pid), existsSync(folder)]).toEqual([true, false, false])
})

test('a server that ends by itself is noticed, with its last words', async () => {
  const folder = await newFolder()
  const server = startGuardedServer({
    command: ['/bin/sh', '-c', 'echo no space left; exit 3'],
    folder,
  })

  await vi.waitFor(() => expect(server.hasEnded()).toBe(true))
  expect(server.output()).toBe('no space left')
  expect(existsSync(folder)).toBe(false)
})

test('a step that succeeds leaves its folder to the server; one that fails takes it away', async () => {
  const folder = await newFolder()
  await runGuardedStep({ command: ['touch', 'data'], folder })
  expect(existsSync(join(folder, 'data'))).toBe(true)

  const failing = runGuardedStep({ command: ['/bin/sh', '-c', 'echo bad locale >&2; exit 1'], folder })
  await expect(failing).rejects.toThrow('bad locale')
  expect(existsSync(folder)).toBe(false)
})

function newFolder(): Promise<string> {
  return mkdtemp(join(tmpdir(), 'verrou-test-guard-'))
}

/** Another process that starts something guarded, as the main process of a test run does. */
function startTestRun(start: 'startGuardedServer' | 'runGuardedStep', argument: object): ChildProcess {
  const module = JSON.stringify(new URL('guarded-process.ts', import.meta.url).href)
  const script = `import { ${start} } from ${module}; ${start}(${JSON.stringify(argument)}); setInterval(() => {}, 1000)`
  const testRun = spawn(process.execPath, ['--input-type=module', '-e', script], { stdio: 'ignore' })
  children.push(testRun)
  return testRun
}

async function writtenPid(folder: string): Promise<number> {
  return await vi.waitFor(async () => {
    const pid = Number(await readFile(join(folder, 'pid'), 'utf8'))
    expect(pid).toBeGreaterThan(0)
    return pid
  }, 5_000)
}

function isRunning(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch {
    return false
  }
}
