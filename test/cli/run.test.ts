import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { CLI_DATABASES, type CliDatabase, emptyFolder, runVerrou, startVerrou } from '../support/cli.ts'
import { locksAt } from '../support/locks-at.ts'
import { isRunning } from '../torture/servers/process-family.ts'

// Each starts several processes, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000 })

/** Prints its id, and what it hears of signals; ends at the second SIGTERM. */
const STUBBORN = `
  process.on('SIGTERM', () => console.log('TERM'))
  process.on('SIGUSR2', () => console.log('USR2'))
  process.on('SIGINT', () => process.exit(55))
  console.log('pid ' + process.pid + '.')
  setInterval(() => {}, 1000)`

const pidIn = (text: string) => Number(/pid (\d+)\./.exec(text)?.[1])

describe.concurrent.each(CLI_DATABASES)('verrou run on $name', ({ create }) => {
  let database: CliDatabase
  const run = (...args: string[]) => runVerrou(['run', ...args], { cwd: database.folder, env: database.env })
  const start = (...args: string[]) => startVerrou(['run', ...args], { cwd: database.folder, env: database.env })

  beforeAll(async () => {
    database = await create()
    await runVerrou(['migrate'], { cwd: database.folder, env: database.env })
  })
  afterAll(() => database?.drop())

  test.concurrent('gives the command its key and token, and passes its output and exit code on', async () => {
    const { code, stdout, stderr } = await run(
      'env',
      '--',
      'sh',
      '-c',
      'echo "$VERROU_KEY:$VERROU_FENCING_TOKEN"; exit 7',
    )
    expect({ code, stderr }).toEqual({ code: 7, stderr: '' })
    expect(stdout).toMatch(/^env:\d{16}\n$/)
  })

  test.concurrent('waits for whoever is at it, by default; --no-wait and --wait do not, and have an exit code', async () => {
    const first = start('busy', '--label', 'first', '--', process.execPath, '-e', STUBBORN)
    await first.printed('pid')
    expect(await run('busy', '--no-wait', '--', 'echo', 'never')).toEqual({
      code: 75,
      stdout: '',
      stderr: expect.stringMatching(/^verrou: nothing was run: busy is held by first, for \d+m?s\n$/),
    })
    expect(await run('busy', '--wait', '1s', '--conflict-exit-code', '3', '--', 'echo', 'never')).toMatchObject({
      code: 3,
      stdout: '',
    })
    const waiting = start('busy', '--', 'echo', 'at last')
    await untilWanted(database.url, 'busy')
    first.process.kill('SIGINT')
    expect(await first.ended).toMatchObject({ code: 55 })
    expect(await waiting.ended).toMatchObject({ code: 0, stdout: 'at last\n' })
  })

  test.concurrent('when the lock is lost, ends the command and says so', async () => {
    const { printed, ended } = start('lost', '--ttl', '2s', '--', process.execPath, '-e', STUBBORN)
    await printed('pid')
    const { locks, close } = await locksAt(database.url)
    await locks.createLock('lost').forceRelease()
    await close()
    const { code, stdout, stderr } = await ended
    expect(code).toBe(76)
    expect(stderr).toMatch(/^verrou: the lock lost was lost while the command ran, which was ended by SIGKILL\n$/)
    expect(isRunning(pidIn(stdout))).toBe(false)
  })

  test.concurrent('--once-per runs once in a period, and a run that failed does not count', async () => {
    const once = (...more: string[]) => run('once', '--once-per', '1h', ...more)
    expect(await once('--', 'sh', '-c', 'exit 9')).toMatchObject({ code: 9 })
    expect(await once('--', 'echo', 'ran')).toMatchObject({ code: 0, stdout: 'ran\n' })
    const { code, stdout, stderr } = await once('--', 'echo', 'again')
    expect({ code, stdout }).toEqual({ code: 0, stdout: '' })
    expect(stderr).toMatch(/^verrou: nothing was run: once was run in this period already, by \S+:\d+, \S+ ago\n$/)
    expect(await once('--conflict-exit-code', '4', '--', 'echo', 'again')).toMatchObject({ code: 4 })
  })

  test.concurrent('--session holds it with a session, where the database has those', async () => {
    const { code, stdout, stderr } = await run(
      'session',
      '--session',
      '--',
      'sh',
      '-c',
      'echo "$VERROU_KEY:$VERROU_FENCING_TOKEN"',
    )
    if (database.family === 'sqlite') {
      expect({ code, stderr }).toEqual({
        code: 69,
        stderr: expect.stringMatching(/^verrou: --session needs Postgres.*\n$/),
      })
    } else expect({ code, stdout }).toEqual({ code: 0, stdout: 'session:\n' })
  })
})

describe.concurrent('verrou run', () => {
  const { folder, remove } = emptyFolder()
  const run = (...args: string[]) => runVerrou(['run', ...args], { cwd: folder })
  const start = (...args: string[]) => startVerrou(['run', ...args], { cwd: folder })
  afterAll(remove)

  test.concurrent('makes ./verrou.db where no database is named, and says so once', async () => {
    const { folder: cwd, remove: removeIt } = emptyFolder()
    const first = await runVerrou(['run', 'hello', '--', 'echo', 'hi'], { cwd })
    expect(first).toMatchObject({
      code: 0,
      stdout: 'hi\n',
      stderr: expect.stringMatching(/^verrou: using a new file, .\/verrou.db.*\n$/),
    })
    expect(await runVerrou(['run', 'hello', '--', 'echo', 'hi'], { cwd })).toEqual({
      code: 0,
      stdout: 'hi\n',
      stderr: '',
    })
    removeIt()
  })

  test.concurrent('a command that is not there, or that cannot be run, has the exit codes of shells', async () => {
    expect(await run('a', '--', 'no-such-command')).toMatchObject({ code: 127 })
    expect(await run('a', '--', '/etc/passwd')).toMatchObject({ code: 126 })
    expect(await run('a', '--', 'sh', '-c', 'kill -KILL $$')).toMatchObject({ code: 137 })
  })

  test.concurrent('has the command read standard input', async () => {
    const { stdout } = await runVerrou(['run', 'cat', '--', 'cat'], { cwd: folder, input: 'what is piped in' })
    expect(stdout).toBe('what is piped in')
  })

  test.concurrent('a signal ends the waiting, and nothing is left behind', async () => {
    const holder = start('wait', '--', process.execPath, '-e', STUBBORN)
    await holder.printed('pid')
    const waiting = start('wait', '--', 'echo', 'never')
    await untilWanted(`sqlite:${join(folder, 'verrou.db')}`, 'wait')
    waiting.process.kill('SIGINT')
    expect(await waiting.ended).toMatchObject({ code: 130, stdout: '', stderr: '' })
    holder.process.kill('SIGINT')
    expect(await holder.ended).toMatchObject({ code: 55 })
  })

  test.concurrent('what the command leaves running in the background ends with it', async () => {
    const file = join(folder, 'left.pid')
    const { code } = await run(
      'left',
      '--grace',
      '200ms',
      '--',
      'sh',
      '-c',
      `trap "" TERM; sleep 60 & echo $! > ${file}`,
    )
    expect(code).toBe(0)
    expect(isRunning(Number(readFileSync(file, 'utf8')))).toBe(false)
  })

  test.concurrent('passes signals on; SIGTERM ends a command that does not listen after the grace, and releases', async () => {
    const {
      process: verrou,
      printed,
      ended,
    } = start('term', '--grace', '500ms', '--', process.execPath, '-e', STUBBORN)
    await printed('pid')
    verrou.kill('SIGUSR2')
    await printed('USR2')
    verrou.kill('SIGTERM')
    const { code, stdout } = await ended
    expect({ code, heard: stdout.includes('TERM') }).toEqual({ code: 137, heard: true })
    expect(isRunning(pidIn(stdout))).toBe(false)
    expect(await run('term', '--no-wait', '--', 'true')).toMatchObject({ code: 0 })
  })

  test.concurrent('SIGKILL of verrou ends the command before the lease does', async () => {
    const { process: verrou, printed, ended } = start('kill', '--ttl', '3s', '--', process.execPath, '-e', STUBBORN)
    await printed('pid')
    const next = start('kill', '--', 'date', '+%s%3N')
    verrou.kill('SIGKILL')
    const pid = pidIn((await ended).stdout)
    // Standard output is closed when nobody has it any more: the command has ended.
    const endedAtMs = Date.now()
    expect(isRunning(pid)).toBe(false)
    const { stdout } = await next.ended
    expect(Number(stdout)).toBeGreaterThan(endedAtMs - 20)
  })

  test.concurrent('SIGSTOP of verrou ends the command when the lease does', async () => {
    const { process: verrou, printed, ended } = start('stop', '--ttl', '1500ms', '--', process.execPath, '-e', STUBBORN)
    await printed('pid')
    verrou.kill('SIGSTOP')
    expect(await run('stop', '--', 'sh', '-c', 'echo next')).toMatchObject({ code: 0, stdout: 'next\n' })
    verrou.kill('SIGCONT')
    const { code, stdout } = await ended
    expect(code).toBe(76)
    expect(isRunning(pidIn(stdout))).toBe(false)
  })

  test.concurrent('the end of the supervisor is the end of the command', async () => {
    const {
      process: verrou,
      printed,
      ended,
    } = start('supervisor', '--', process.execPath, '-e', `console.log('parent ' + process.ppid + ','); ${STUBBORN}`)
    await printed('pid')
    const supervisor = startedBy(verrou.pid!)
    process.kill(supervisor, 'SIGKILL')
    const { code, stdout, stderr } = await ended
    expect({ code, parent: Number(/parent (\d+),/.exec(stdout)?.[1]) }).toEqual({ code: 70, parent: supervisor })
    expect(stderr).toMatch(/watches over the command has gone/)
    expect(isRunning(pidIn(stdout))).toBe(false)
  })

  test.concurrent('a lock within a lock: the end of the outer one ends both', async () => {
    const inner = [
      process.execPath,
      join(import.meta.dirname, '../../src/cli/main.ts'),
      'run',
      'inner',
      '--',
      process.execPath,
      '-e',
      STUBBORN,
    ]
    const { process: outer, printed, ended } = start('outer', '--grace', '300ms', '--', ...inner)
    await printed('pid')
    outer.kill('SIGTERM')
    const { code, stdout } = await ended
    expect(code).toBe(137)
    expect(isRunning(pidIn(stdout))).toBe(false)
  })

  test.concurrent('--json tells machines on standard error', async () => {
    const { stdout, stderr } = await run('json', '--json', '--', 'echo', 'hi')
    expect(stdout).toBe('hi\n')
    expect(JSON.parse(stderr)).toMatchObject({
      key: 'json',
      granted: true,
      exitCode: 0,
      lost: false,
      fencingToken: expect.any(Number),
    })
  })
})

/** Until somebody who waits for the key has said so. */
async function untilWanted(url: string, key: string): Promise<void> {
  const { locks, close } = await locksAt(url)
  await vi.waitUntil(async () => (await locks.inspect(key))?.isWanted, { timeout: 30_000, interval: 100 })
  await close()
}

/** The one child of a process. */
function startedBy(parent: number): number {
  return Number(readFileSync(`/proc/${parent}/task/${parent}/children`, 'utf8').trim())
}
