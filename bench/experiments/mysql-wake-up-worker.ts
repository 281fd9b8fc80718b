// A process of mysql-wake-up.ts: takes the key, keeps it, gives it back, and waits for it in one of several ways.
import { createHash, randomBytes } from 'node:crypto'
import { setTimeout as sleep } from 'node:timers/promises'
import mysql from 'mysql2/promise'
import { mysqlStore } from '../../src/drivers/mysql2.ts'

/** A way to hear that the key may be free. */
export type Way =
  | { readonly kind: 'poll'; readonly firstMs: number; readonly mostMs: number; readonly growth: number }
  /** A holder also owns `GET_LOCK(key)`, on a connection of its own; waiters wait for that. */
  | { readonly kind: 'named lock of the key' }
  /** Every process owns one named lock, which is written into the rows of its leases, and lets go of it when it releases what is wanted. */
  | { readonly kind: 'bell of the process' }
  /** Waiters sleep in the server; the one that releases what is wanted kills their sleep. */
  | { readonly kind: 'kill query' }

export interface Scenario {
  readonly way: Way
  readonly url: string
  readonly originNs: string
  readonly key?: string
  readonly holdMs: number
  readonly pauseMs: number
  readonly measureMs: number
  /** Takes the key at once and keeps it to the end. */
  readonly keepsFirst: boolean
}

export interface Seen {
  readonly holds: { token: number; askedNs: number; grantedNs: number; releasedNs: number }[]
}

/** What a way does around the try and the release of the row. */
interface Hearing {
  /** Right after a grant, or before the first try. */
  granted(): Promise<void>
  /** Comes back when the key may be free. */
  wait(): Promise<void>
  release(token: number): Promise<void>
}

/** Longest wait inside the server, in the whole seconds that MySQL wants. */
const SLICE_S = 5
const NOW_US = `timestampdiff(microsecond, '1970-01-01', utc_timestamp(6))`

process.once('message', (scenario: Required<Scenario>) => {
  play(scenario).catch((error) => {
    console.error(error)
    process.exit(1)
  })
})
process.on('disconnect', () => process.exit())

async function play(scenario: Required<Scenario>): Promise<void> {
  const { way, url, key, holdMs, pauseMs, measureMs, keepsFirst } = scenario
  const pool = mysql.createPool({ uri: url, connectionLimit: 2 })
  const store = mysqlStore({ pool })
  const owner = randomBytes(16).toString('hex')
  const originNs = BigInt(scenario.originNs)
  const nowNs = () => Number(process.hrtime.bigint() - originNs)
  const { hearing, bell } = await open(way, pool, url, key, owner, (hold) => store.release(hold))
  const ask = async () => {
    const attempt = randomBytes(16).toString('hex')
    return store.tryAcquire({ key, owner, attempt, ttlUs: 60_000_000, heldBy: bell() })
  }
  // Prepares the statements, and makes the row.
  const first = await ask()
  if (first.granted) await hearing.granted()
  if (first.granted && !keepsFirst) await hearing.release(first.token)
  process.send!('ready')
  await new Promise((go) => process.once('message', go))

  const holds: Seen['holds'] = []
  const untilMs = performance.now() + measureMs
  if (keepsFirst) await sleep(measureMs)
  while (performance.now() < untilMs) {
    const askedNs = nowNs()
    for (;;) {
      const outcome = await ask()
      if (outcome.granted) {
        // What a caller may do before the way has made its own arrangements.
        const grantedNs = nowNs()
        await hearing.granted()
        if (holdMs > 0) await sleep(holdMs)
        const releasedNs = nowNs()
        await hearing.release(outcome.token)
        holds.push({ token: outcome.token, askedNs, grantedNs, releasedNs })
        break
      }
      if (performance.now() > untilMs) break
      await Promise.race([hearing.wait(), sleep(Math.max(0, untilMs - performance.now()) + 50)])
    }
    if (pauseMs > 0) await sleep(pauseMs * (0.5 + Math.random()))
  }
  process.send!({ holds } satisfies Seen, () => process.exit())
}

async function open(
  way: Way,
  pool: mysql.Pool,
  url: string,
  key: string,
  owner: string,
  releaseRow: (hold: { key: string; owner: string; token: number }) => Promise<boolean>,
): Promise<{ hearing: Hearing; bell: () => string }> {
  const plainRelease = async (token: number) => void (await releaseRow({ key, owner, token }))
  if (way.kind === 'poll') return { hearing: polling(way, plainRelease), bell: () => 'somebody' }
  if (way.kind === 'named lock of the key') {
    const extra = await mysql.createConnection(url)
    return { hearing: namedLock(extra, key, plainRelease), bell: () => 'somebody' }
  }
  const [ringer, waiter] = [await mysql.createConnection(url), await mysql.createConnection(url)]
  if (way.kind === 'kill query') return { hearing: killQuery(pool, waiter, key, owner), bell: () => 'somebody' }
  return processBell(pool, ringer, waiter, key, owner)
}

function polling(
  { firstMs, mostMs, growth }: Way & { kind: 'poll' },
  release: (token: number) => Promise<void>,
): Hearing {
  let pauseMs = firstMs
  return {
    async granted() {
      pauseMs = firstMs
    },
    async wait() {
      await sleep(pauseMs * (0.5 + Math.random() / 2))
      pauseMs = Math.min(mostMs, pauseMs * growth)
    },
    release,
  }
}

/** Costs every grant and every release a statement, and a waiting process a connection for each key. */
function namedLock(extra: mysql.Connection, key: string, releaseRow: (token: number) => Promise<void>): Hearing {
  const name = createHash('sha256').update(`verrou ${key}`).digest('hex').slice(0, 40)
  let isOurs = false
  const take = async (seconds: number) => {
    const [rows] = await extra.execute<mysql.RowDataPacket[]>(`select get_lock('${name}', ${seconds}) as got`, [])
    isOurs = Number(rows[0]?.got) === 1
  }
  const letGo = async () => {
    if (isOurs) await extra.execute(`do release_lock('${name}')`, [])
    isOurs = false
  }
  return {
    async granted() {
      if (!isOurs) await take(0)
    },
    async wait() {
      // We have it, and not the row: its holder has not taken it (yet).
      if (isOurs) {
        await letGo()
        await sleep(5)
      }
      await take(SLICE_S)
    },
    async release(token) {
      await releaseRow(token)
      await letGo()
    },
  }
}

/** Releases the row, and tells whether somebody wants it: in the insert id. */
async function releaseWanted(pool: mysql.Pool, key: string, owner: string, token: number): Promise<boolean> {
  const [result] = await pool.execute<mysql.ResultSetHeader>(
    `update verrou_locks set owner = null, attempt = null, expires_at = ${NOW_US}, wanted = if(last_insert_id(wanted), false, false)
     where \`key\` = ? and owner = ? and token = cast(? as signed)`,
    [key, owner, token],
  )
  return Number(result.insertId) === 1
}

/** Marks the row as wanted. `undefined`: nobody holds it any more. */
async function want(pool: mysql.Pool, key: string): Promise<string | undefined> {
  const [rows] = await pool.execute<mysql.RowDataPacket[]>(
    `select held_by, wanted from verrou_locks where \`key\` = ? and expires_at > ${NOW_US}`,
    [key],
  )
  if (rows[0] === undefined || rows[0].wanted === 1) return rows[0]?.held_by
  const [result] = await pool.execute<mysql.ResultSetHeader>(
    `update verrou_locks set wanted = true where \`key\` = ? and held_by = ? and expires_at > ${NOW_US}`,
    [key, rows[0].held_by],
  )
  return result.affectedRows === 0 ? undefined : rows[0].held_by
}

async function processBell(
  pool: mysql.Pool,
  ringer: mysql.Connection,
  waiter: mysql.Connection,
  key: string,
  owner: string,
) {
  const process = randomBytes(8).toString('hex')
  let number = 0
  const bell = () => `verrou_${process}_${number}`
  await ringer.query(`do get_lock('${bell()}', 0)`)
  const hearing: Hearing = {
    async granted() {},
    async wait() {
      const heldBy = await want(pool, key)
      if (heldBy === undefined) return
      const fromMs = performance.now()
      // Goes on to the next one who waits for it, in the same statement.
      await waiter.query(`select get_lock('${heldBy}', ${SLICE_S}) + release_lock('${heldBy}')`)
      // It rang before we came.
      if (performance.now() - fromMs < 1) await sleep(5)
    },
    async release(token) {
      if (!(await releaseWanted(pool, key, owner, token))) return
      const old = bell()
      number++
      await ringer.query(`select get_lock('${bell()}', 0) + release_lock('${old}')`)
    },
  }
  return { hearing, bell }
}

function killQuery(pool: mysql.Pool, waiter: mysql.Connection, key: string, owner: string): Hearing {
  let isRegistered = false
  return {
    async granted() {
      if (isRegistered) await pool.execute('delete from wake_waiters where connection_id = ?', [waiter.threadId])
      isRegistered = false
    },
    async wait() {
      if (!isRegistered) await pool.execute('insert into wake_waiters values (?, ?)', [waiter.threadId, key])
      isRegistered = true
      if ((await want(pool, key)) === undefined) return
      await waiter.query(`do sleep(${SLICE_S})`).catch(() => {})
    },
    async release(token) {
      if (!(await releaseWanted(pool, key, owner, token))) return
      const [rows] = await pool.execute<mysql.RowDataPacket[]>(
        'select connection_id from wake_waiters where `key` = ?',
        [key],
      )
      for (const { connection_id } of rows) await pool.query(`kill query ${connection_id}`).catch(() => {})
    },
  }
}
