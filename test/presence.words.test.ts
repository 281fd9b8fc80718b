import mysql from 'mysql2/promise'
import pg from 'pg'
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, test } from 'vitest'
import { dialectNamed } from '../src/dialects/detect.ts'
import type { PresenceDialect } from '../src/dialects/dialect.ts'
import type { SqlExecutor } from '../src/executors/executor.ts'
import { mysql2Executor } from '../src/executors/mysql2.ts'
import { pgExecutor } from '../src/executors/pg.ts'
import type { ParameterName, Statement, StatementInput } from '../src/statement.ts'
import { mutated } from './mutation/mutated.ts'
import { BACKENDS } from './support/backends.ts'
import type { OpenBackend, TableAddress } from './support/contract-backend.ts'
import { mysqlBackend, pgBackend } from './support/sql-backend.ts'

/** What is said of presences, statement by statement, on sessions of the test's own. */

const NAME = 'c123456789abcdef'
const OTHER = '0123456789abcde0'

interface Session extends SqlExecutor {
  readonly id: string
  query(text: string): Promise<unknown>
  end(): Promise<void>
}

for (const { name, family, url } of BACKENDS) {
  describe(name, () => {
    let open: OpenBackend
    let words: PresenceDialect
    let tableName: string
    let sessions: Session[]
    let own: Session
    let other: Session
    const isPostgres = family === 'postgres'

    beforeAll(async () => {
      open = await (isPostgres ? pgBackend(name, url) : mysqlBackend(name, url)).open()
      tableName = (open.address as TableAddress).tableName
      words = dialectNamed(family, { tableName, schema: undefined }).presence as PresenceDialect
    })
    afterAll(() => open.close())
    beforeEach(async () => {
      sessions = []
      await open.send(`delete from ${tableName}`)
      own = await begin()
      other = await begin()
    })
    afterEach(() => Promise.all(sessions.map((session) => session.end())))

    async function begin(address = url): Promise<Session> {
      const session = await (isPostgres ? onPostgres(address) : onMysql(address))
      sessions.push(session)
      return session
    }

    const say = async ({ sql, parameters }: Statement, input: Partial<StatementInput>, by: Session) => {
      const { encode } = dialectNamed(family, { tableName, schema: undefined })
      const broken = mutated(family, tableName)
      const values = parameters.map((parameter: ParameterName) => encode(parameter, input[parameter] as never))
      return by.execute({ sql: broken(sql) }, values)
    }
    const take = async (presence: string, by: Session) =>
      words.readTake(await say(words.statements.takePresence, { presence }, by))
    const see = async (presence: string, by: Session) =>
      words.readSee(await say(words.statements.seePresence, { presence }, by))
    const hold = async (key: string, attempt: string | null, token = 5) => {
      const column = isPostgres ? 'key' : '`key`'
      const text = attempt === null ? 'null' : `'${attempt}'`
      await open.send(
        `insert into ${tableName} (${column}, owner, attempt, token, expires_at, acquired_at, wanted) values ('${key}', 'o', ${text}, ${token}, 9000000000000000, 5, true)`,
      )
    }
    const watch = async (keys: readonly string[]) => {
      const found = words.readWatch(await say(words.statements.watchPresences, { keys }, other))
      return Object.fromEntries(found.map(({ key, isGone }) => [key, isGone]))
    }
    const takeOver = async (...takeOvers: readonly { key: string; attempt: string; ttlUs?: number | null }[]) => {
      const asked = takeOvers.map((one) => ({ owner: `of ${one.key}`, heldBy: 'h', ttlUs: 7_000_000, ...one }))
      const answers = words.readTakeOver(await say(words.statements.takeOver, { takeOvers: asked }, other), asked)
      if (answers) return answers
      const { tookOver } = words.statements
      if (!tookOver || !words.readTookOver) throw new Error('nothing tells')
      return words.readTookOver(await say(tookOver, { takeOvers: asked }, other), asked)
    }

    test('a presence is taken once, and seen by all', async () => {
      expect((await see(NAME, other)).holder).toBe(null)
      expect(await take(NAME, own)).toEqual({ isTaken: true, session: own.id })
      expect((await take(NAME, other)).isTaken).toBe(false)
      const { server } = await see(NAME, own)
      expect(server).toMatch(/^[0-9a-f]{16}$/)
      expect(await see(NAME, own)).toEqual({ session: own.id, holder: own.id, server })
      expect(await see(NAME, other)).toEqual({ session: other.id, holder: own.id, server })
      expect((await see(OTHER, other)).holder).toBe(null)
      await own.end()
      await expect.poll(async () => (await see(NAME, other)).holder).toBe(null)
    })

    test.runIf(isPostgres)('other locks of that number are none', async () => {
      const number = `('x' || '${NAME}')::bit(64)::bigint`
      await other.query(`select pg_advisory_lock_shared(${number})`)
      expect((await see(NAME, own)).holder).toBe(null)
      await other.query(`select pg_advisory_unlock_shared(${number})`)
      const elsewhere = new URL(url)
      elsewhere.pathname = '/postgres'
      const abroad = await begin(elsewhere.href)
      expect((await take(NAME, abroad)).isTaken).toBe(true)
      expect((await see(NAME, own)).holder).toBe(null)
      await other.query(`select pg_advisory_lock((${number} >> 32)::integer, (${number} << 32 >> 32)::integer)`)
      expect((await see(NAME, own)).holder).toBe(null)
      await take(NAME, own)
      const third = await begin()
      const waiting = third.query(`select pg_advisory_lock(${number})`)
      await new Promise((resolve) => setTimeout(resolve, 50))
      expect((await see(NAME, other)).holder).toBe(own.id)
      await own.end()
      await waiting
    })

    test('the session is kept', async () => {
      await say(words.statements.keepPresence, {}, own)
      const setting = isPostgres ? "current_setting('idle_session_timeout')" : '@@session.wait_timeout'
      const { rows } = await own.execute({ sql: `select ${setting} as idle` }, [])
      expect(String(rows[0]?.idle)).toBe(isPostgres ? '0' : '28800')
    })

    test('watching tells of those that name a presence, and which of them are gone', async () => {
      await take(NAME, own)
      const { server } = await see(NAME, own)
      await hold('there', `present:${server}:${NAME}:x`)
      await hold('gone', `present:${server}:${OTHER}:x`)
      await hold('of another server', `present:0000000000000000:${OTHER}:x`)
      await hold('without', 'abc')
      await hold('free', null)
      await hold('not asked', `present:${server}:${OTHER}:x`)
      const keys = ['there', 'gone', 'of another server', 'without', 'free', 'missing']
      expect(await watch(keys)).toEqual({ there: false, gone: true, 'of another server': false })
      expect(await watch([])).toEqual({})
    })

    test('taking over grants those that are gone, each to its own', async () => {
      await take(NAME, own)
      const { server } = await see(NAME, own)
      await hold('there', `present:${server}:${NAME}:x`)
      await hold('abroad', `present:0000000000000000:${OTHER}:x`)
      await hold('without', 'abc')
      for (const key of ['a', 'b', 'c']) await hold(key, `present:${server}:${OTHER}:${key}`)
      const asked = ['a', 'there', 'b', 'abroad', 'without', 'missing'].map((key) => ({ key, attempt: `mine ${key}` }))
      // Of two keys that one attempt is for, only one is granted.
      asked.push({ key: 'there', attempt: 'mine a' })
      const answers = await takeOver(...asked)
      expect(answers.map((answer) => answer !== undefined)).toEqual([true, false, true, false, false, false, false])
      for (const answer of [answers[0], answers[2]]) {
        expect(answer?.token).toBe(answer?.grantedAtUs)
        expect(answer?.token).toBeGreaterThan(1e15)
      }
      const rows = await open.send(`select * from ${tableName}`)
      const byKey = new Map(rows.map((row) => [String(row.key), row]))
      const changed = [...byKey.keys()].filter((key) => String(byKey.get(key)?.owner) !== 'o').sort()
      expect(changed).toEqual(['a', 'b'])
      const row = byKey.get('a')
      expect([String(row?.owner), String(row?.attempt), row?.held_by, Number(row?.wanted)]).toEqual([
        'of a',
        'mine a',
        'h',
        0,
      ])
      expect(Number(row?.expires_at) - Number(row?.acquired_at)).toBe(7_000_000)
      expect(Number(row?.token)).toBe(answers[0]?.token)
      // Said again, nothing is gone any more.
      const again = await takeOver({ key: 'a', attempt: 'late' })
      expect(again).toEqual([undefined])
    })

    test('a token grows though the clock was set back, and one without an end has none', async () => {
      const { server } = await see(NAME, own)
      await hold('k', `present:${server}:${OTHER}:x`, 9_000_000_000_000_000)
      expect((await takeOver({ key: 'k', attempt: 'mine', ttlUs: null }))[0]?.token).toBe(9_000_000_000_000_001)
      expect((await open.rows())[0]?.expiresAt).toBe(9223372036854775807n)
    })

    test('a row that is locked is left alone, at once', async () => {
      const { server } = await see(NAME, own)
      for (const key of ['a', 'b']) await hold(key, `present:${server}:${OTHER}:x`)
      await own.query('begin')
      const column = isPostgres ? 'key' : '`key`'
      await own.query(`select * from ${tableName} where ${column} = 'a' for update`)
      const startMs = performance.now()
      const answers = await takeOver({ key: 'a', attempt: 'one' }, { key: 'b', attempt: 'two' })
      expect(answers.map((answer) => answer !== undefined)).toEqual([false, true])
      expect(performance.now() - startMs).toBeLessThan(3_000)
      await own.query('rollback')
    })
  })
}

async function onPostgres(url: string): Promise<Session> {
  const client = new pg.Client({ connectionString: url })
  await client.connect()
  const { rows } = await client.query('select pg_backend_pid() as id')
  let isOpen = true
  return {
    ...pgExecutor(client, null),
    id: String(rows[0]?.id),
    query: (text) => client.query(text),
    async end() {
      if (isOpen) await client.end()
      isOpen = false
    },
  }
}

async function onMysql(url: string): Promise<Session> {
  const client = await mysql.createConnection(url)
  const [rows] = await client.query<mysql.RowDataPacket[]>('select connection_id() as id')
  let isOpen = true
  return {
    ...mysql2Executor(client),
    id: String(rows[0]?.id),
    query: (text) => client.query(text),
    async end() {
      if (isOpen) await client.end()
      isOpen = false
    },
  }
}

test.runIf(BACKENDS.length === 0)('nothing to test: no server is selected', () => {})
