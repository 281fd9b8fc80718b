import { mkdirSync, readdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { EXIT_CODES, type ExitName } from '../../src/cli/exit-codes.ts'
import { freePort } from '../servers/free-port.ts'
import {
  CLI_DATABASES,
  type CliDatabase,
  type CommandResult,
  emptyFolder,
  runVerrou,
  runVerrouHere,
  startVerrou,
} from '../support/cli.ts'
import { locksAt } from '../support/locks-at.ts'
import { roleWithoutRights } from '../support/role-without-rights.ts'

// Each starts a process, on machines that have other things to do.
vi.setConfig({ testTimeout: 60_000, hookTimeout: 60_000 })

const SECRET = 'hunter2'
const { folder, remove } = emptyFolder()
afterAll(remove)

/** Runs it, and expects that exit code, nothing on standard output, and one line that says this. */
async function expectFailure(args: readonly string[], exit: ExitName, says: RegExp, env: NodeJS.ProcessEnv = {}) {
  expectFailed(await runVerrou(args, { cwd: folder, env }), exit, says)
}

/** The same in this process, which takes less time. */
async function expectFailureHere(args: readonly string[], exit: ExitName, says: RegExp) {
  expectFailed(await runVerrouHere(args), exit, says)
}

function expectFailed({ code, stdout, stderr }: CommandResult, exit: ExitName, says: RegExp): void {
  expect({ code, stdout }, stderr).toEqual({ code: EXIT_CODES[exit].code, stdout: '' })
  expect(stderr).toMatch(/^verrou: [^\n]+\n$/)
  expect(stderr).toMatch(says)
  expect(stderr).not.toContain(SECRET)
}

describe('the command line is wrong:', () => {
  const cases: [line: string, says: RegExp][] = [
    ['lss', /^verrou: unknown command 'lss'; Did you mean ls\?\n$/],
    ['ls --wat', /^verrou: unknown option '--wat'\n$/],
    ['ls --jso', /^verrou: unknown option '--jso'; Did you mean --json\?\n$/],
    ['ls --limit many', /'many' is invalid\. It must be a number from 1\./],
    ['ls a b', /^verrou: too many arguments for 'ls'/],
    ['inspect', /^verrou: missing required argument 'key'\n$/],
    ['migrate sideways', /Allowed choices are up, down, status/],
    ['migrate --dialect sqlite', /--dialect goes with --print/],
    ['migrate --print', /add --dialect postgres\|mysql\|sqlite\n$/],
    ['migrate status --print', /leave out `status`\n$/],
    ['prune --retention 1s', /It must be at least 1m\./],
    ['release key', /add --force/],
    ['run key', /^verrou: missing required argument 'command'\n$/],
    ['run key true', /put -- before the command/],
    ['run key --ttl soon -- true', /'soon' is invalid\. It must be a duration such as 500ms, 30s/],
    ['run key --ttl 30 -- true', /'30' is invalid\. It needs a unit, as in 30s\./],
    ['run key --ttl 10ms -- true', /It must be at least 1s\./],
    ['run key --wait -5s -- true', /'-5s' is invalid/],
    ['run key --on-error never -- true', /Allowed choices are retry, skip/],
    ['run key --conflict-exit-code 256 -- true', /a number from 0 to 255/],
    ['run key --session --once-per 1h -- true', /exclude each other/],
    ['run  -- true', /^verrou: missing required argument 'command'\n$/],
    ['ls --table a.b', /--table/],
    ['ls --schema 1', /--schema/],
    ['ls --url redis://localhost', /--url begins with redis:\/\/, which is none of ours/],
    ['ls --url postgres://u:hunter2@', /--url cannot be read/],
    ['ls --url mysql:///shop', /--url names no host/],
    ['ls --url mysql://u:hunter2%@h/shop', /has a % that is no %-code/],
    ['ls --url sqlite::memory:', /names no file/],
  ]
  test.each(cases)('verrou %s', async (line, says) => {
    const args = line.split(' ').filter((word) => word !== '')
    expectFailed(await runVerrouHere(args), 'USAGE', says)
  })

  test('the program prints one line, and has the exit code', async () => {
    await expectFailure(['ls', '--wat'], 'USAGE', /^verrou: unknown option '--wat'/)
  })

  test('without any command, the help is what is missing', async () => {
    const { code, stdout, stderr } = await runVerrou([], { cwd: folder })
    expect({ code, stdout }).toEqual({ code: 64, stdout: '' })
    expect(stderr).toMatch(/^Usage: verrou/)
  })

  test('with --json, a failure is JSON', async () => {
    const { code, stderr } = await runVerrou(['inspect', 'no-such-key', '--json'], {
      cwd: folder,
      env: { DATABASE_URL: 'nowhere.db' },
    })
    expect(code).toBe(66)
    expect(JSON.parse(stderr)).toEqual({
      error: { code: 'NOT_FOUND', message: expect.stringMatching(/no file/), exitCode: 66 },
    })
  })
})

describe.concurrent('the database cannot be had:', () => {
  test.concurrent.each(['postgres', 'mysql'])('no server of %s is there', async (scheme) => {
    const url = `${scheme}://verrou:${SECRET}@127.0.0.1:${await freePort()}/shop`
    await expectFailure(
      ['ls'],
      'UNAVAILABLE',
      /^verrou: cannot use \w+:\/\/verrou@127\.0\.0\.1:\d+\/shop: .*ECONNREFUSED.*is the server running/,
      { DATABASE_URL: url },
    )
  })

  test.concurrent('a file that is not there is not made, unless it is migrated', async () => {
    await expectFailure(['ls', '--url', 'typo.db'], 'NOT_FOUND', /there is no file typo\.db/)
    expect(readdirSync(folder)).not.toContain('typo.db')
    await expectFailure(['migrate', '--url', 'no/such/folder.db'], 'NOT_FOUND', /director/)
  })

  test.concurrent('a file that is no database', async () => {
    writeFileSync(
      join(folder, 'text.db'),
      'This is a text, and it is longer than the header of a database would be. '.repeat(10),
    )
    await expectFailure(['ls', '--url', 'text.db'], 'CONFIG', /not a database/)
    await expectFailure(['ls', '--url', '.'], 'NOT_FOUND', /unable to open/)
  })

  test.concurrent.each<[string, string, RegExp]>([
    ['throws', `throw new Error('no settings today')`, /kysely\.config\.mjs cannot be loaded: no settings today/],
    ['has no settings', 'export const dialect = 1', /has no default export/],
    ['has no dialect', 'export default {}', /must have `kysely`, or `dialect`/],
  ])('a kysely.config that %s', async (name, text, says) => {
    const cwd = join(folder, name.replaceAll(' ', '-'))
    mkdirSync(cwd)
    writeFileSync(join(cwd, 'kysely.config.mjs'), text)
    const { code, stderr } = await runVerrou(['ls'], { cwd })
    expect({ code, stderr }).toEqual({ code: 78, stderr: expect.stringMatching(/^verrou: [^\n]+\n$/) })
    expect(stderr).toMatch(says)
  })

  test.concurrent('nobody reads what is printed', async () => {
    const file = join(folder, 'many.db')
    await runVerrou(['migrate', '--url', file], { cwd: folder })
    const { locks, close } = await locksAt(file)
    const keys = Array.from({ length: 2_000 }, (_, index) => `${'a long key '.repeat(10)}${index}`)
    await Promise.all(keys.map((key) => locks.createLock(key, null).acquire()))
    const { process: verrou, ended } = startVerrou(['ls', '--json', '--url', file], { cwd: folder })
    verrou.stdout?.destroy()
    // As `head` does it to others: quiet, with the exit code of SIGPIPE.
    expect(await ended).toMatchObject({ code: 141, stderr: '' })
    await close()
  })
})

describe.each(CLI_DATABASES)('on $name:', ({ create }) => {
  let database: CliDatabase
  let url: string
  beforeAll(async () => {
    database = await create()
    url = database.url
    expect(await runVerrouHere(['migrate', '--url', url])).toMatchObject({ code: 0 })
  })
  afterAll(() => database?.drop())

  test('a key that nobody knows', async () => {
    await expectFailureHere(['inspect', 'no-such-key', '--url', url], 'NOT_FOUND', /there is no key no-such-key/)
    await expectFailureHere(
      ['release', 'no-such-key', '--force', '--url', url],
      'NOT_FOUND',
      /there is no key no-such-key/,
    )
  })

  test('nobody can be asked, and nothing is done', async () => {
    const { locks, close } = await locksAt(url)
    await locks.createLock('asked', '1m').acquire()
    await expectFailureHere(['release', 'asked', '--force', '--url', url], 'USAGE', /Take asked away from .*add --yes/)
    expect(await locks.inspect('asked')).toMatchObject({ isHeld: true })
    await expectFailureHere(['migrate', 'down', '--url', url], 'USAGE', /Undo .*add --yes/)
    await close()
  })

  test('no table', async () => {
    for (const args of [['ls'], ['run', 'key', '--', 'true'], ['prune']]) {
      const [name, ...more] = args as [string, ...string[]]
      await expectFailureHere([name, '--url', url, '--table', 'not_there', ...more], 'CONFIG', /run `verrou migrate`/)
    }
  })

  test('no such database, and no such schema', async () => {
    if (database.family === 'sqlite') return
    const nowhere = new URL(url)
    nowhere.pathname = '/no_such_database'
    await expectFailureHere(['ls', '--url', nowhere.href], 'CONFIG', /look at the name of the database/)
    await expectFailureHere(['ls', '--url', url, '--schema', 'no_such_schema_here'], 'CONFIG', /run `verrou migrate`/)
  })

  test('no rights', async () => {
    if (database.family === 'sqlite') return
    const role = await roleWithoutRights(database, SECRET)
    await expectFailureHere(['ls', '--url', role.url], 'NO_RIGHTS', /needs select, insert, update and delete/)
    const stranger = new URL(url)
    Object.assign(stranger, { username: 'nobody_knows_me', password: SECRET })
    await expectFailureHere(['ls', '--url', stranger.href], 'NO_RIGHTS', /look at the user name and the password/)
    await role.drop()
  })
})
