import { spawn } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { freePort } from './free-port.ts'
import { notRunLines } from './not-run.ts'

const VITEST = fileURLToPath(new URL('../../node_modules/vitest/vitest.mjs', import.meta.url))
const REPOSITORY = fileURLToPath(new URL('../..', import.meta.url))
// Any test file that passes and needs no server.
const PASSING_FILE = 'test/servers/selection.test.ts'

describe('a run in which no server answers', () => {
  test('passes, and names every database it went without at the very end', async () => {
    const { code, stderr } = await runVitest({})
    expect(stderr.slice(stderr.lastIndexOf('\nNOT RUN: postgres '))).toMatch(
      /NOT RUN: postgres – VERROU_TEST_POSTGRES_URL does not answer: .*ECONNREFUSED.*\n.*\nNOT RUN: mysql – .*\n.*to get it: .*VERROU_TEST_MYSQL_URL=.*\nNOT RUN: mariadb – .*\n.*to get it: .*\n\s*$/,
    )
    expect(code).toBe(0)
  })

  test('fails in CI', async () => {
    const { code, stderr } = await runVitest({ CI: 'true' })
    expect(stderr).toContain('NOT RUN: mysql')
    expect(stderr).toContain('The run fails for want of them')
    expect(code).toBe(1)
  })

  test('fails when TEST_DATABASES names one of them', async () => {
    const { code, stderr } = await runVitest({ TEST_DATABASES: 'mysql,sqlite' })
    expect(stderr).toContain('NOT RUN: mysql')
    expect(stderr).not.toContain('mariadb')
    expect(code).toBe(1)
  })

  test('names them whatever the reporter, without touching what it writes', async () => {
    const { stdout, stderr } = await runVitest({}, '--reporter=tap')
    expect(stdout).toMatch(/^TAP version/)
    expect(stdout).not.toContain('NOT')
    expect(stderr).toContain('NOT RUN: mysql')
  })
})

test('an unknown name in TEST_DATABASES stops the run and lists the valid ones', async () => {
  const { code, stdout, stderr } = await runVitest({ TEST_DATABASES: 'oracle' })
  expect(stdout + stderr).toContain(
    'TEST_DATABASES names an unknown database "oracle". Valid names, separated by commas: postgres,',
  )
  expect(code).toBe(1)
})

test.for(['postgres', 'postgres-14', 'postgres-18', 'mysql', 'mariadb'] as const)(
  'the command that the NOT RUN line of %s prints fits the compose file',
  (name) => {
    const compose = readFileSync(new URL('../../compose.yaml', import.meta.url), 'utf8')
    const [, command = ''] = notRunLines([{ name, reason: '' }])
    const [, service, port] = command.match(/--wait (\S+) .*@127\.0\.0\.1:(\d+)\//) ?? []
    expect(compose).toMatch(new RegExp(`^  ${service}:\\n(    .*\\n)*    ports: \\['127\\.0\\.0\\.1:${port}:`, 'm'))
  },
)

async function runVitest(environment: Record<string, string>, ...options: string[]) {
  const closedPort = await freePort()
  const child = spawn(process.execPath, [VITEST, 'run', PASSING_FILE, ...options], {
    cwd: REPOSITORY,
    env: {
      // Nothing of this run: it has servers, and may itself be in CI.
      PATH: process.env.PATH,
      HOME: process.env.HOME,
      VERROU_TEST_POSTGRES_URL: `postgres://postgres@127.0.0.1:${closedPort}/verrou_test`,
      VERROU_TEST_MYSQL_URL: `mysql://root@127.0.0.1:${closedPort}/verrou_test`,
      VERROU_TEST_MARIADB_URL: `mysql://root@127.0.0.1:${closedPort}/verrou_test`,
      ...environment,
    },
    stdio: ['ignore', 'pipe', 'pipe'],
  })
  let stdout = ''
  let stderr = ''
  child.stdout.setEncoding('utf8').on('data', (text) => {
    stdout += text
  })
  child.stderr.setEncoding('utf8').on('data', (text) => {
    stderr += text
  })
  const code = await new Promise<number | null>((resolve) => child.once('close', resolve))
  return { code, stdout, stderr }
}
