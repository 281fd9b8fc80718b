import { dialectNamed } from '../../src/dialects/detect.ts'
import type { TortureDatabase } from './databases/torture-database.ts'
import type { LockLook } from './evidence.ts'
import { sharedTime } from './history.ts'
import { Sampling } from './sampling.ts'
import { SESSION_KEYS } from './session-keys.ts'
import type { Send } from './work/work-kind.ts'

/** Asks the server all the time who has the locks of sessions: it alone knows, since they are written down nowhere. */
export class LockSampler {
  readonly #sampling: Sampling
  readonly #looks: LockLook[] = []

  constructor(database: TortureDatabase, tableName: string) {
    const look = lookerAt(database, tableName)
    this.#sampling = new Sampling(database, tableName, async (send) => {
      this.#looks.push(await look(send))
    })
  }

  start(): void {
    this.#sampling.start()
  }

  stop(): Promise<void> {
    return this.#sampling.stop()
  }

  /** What was seen so far. */
  looks(): LockLook[] {
    return [...this.#looks]
  }
}

/** Session locks that somebody has at this moment, for people. */
export async function heldSessions(database: TortureDatabase, tableName: string, send: Send): Promise<string[]> {
  const { holders } = await lookerAt(database, tableName)(send)
  return [...holders].map(([key, session]) => `${key} is held by session ${session}`)
}

/** What looks once. */
function lookerAt(database: TortureDatabase, tableName: string): (send: Send) => Promise<LockLook> {
  const family = database.family === 'mysql' ? 'mysql' : 'postgres'
  const look = family === 'postgres' ? lookAtPostgres : lookAtMysql(tableName)
  const names = namesOf(family, tableName, database)
  return async (send) => {
    const looked = await look(send, names)
    return { ...looked, until: sharedTime() }
  }
}

/** By the server's name of a lock, the key. */
type Names = ReadonlyMap<string, string>

function namesOf(family: 'postgres' | 'mysql', tableName: string, database: TortureDatabase): Names {
  const words = dialectNamed(family, { tableName, schema: undefined }).session
  const schema = new URL(database.adminUrl()).pathname.slice(1)
  return new Map(SESSION_KEYS.map((key) => [words?.nameOf(key, schema).lock ?? '', key]))
}

type Look = (send: Send, names: Names) => Promise<Omit<LockLook, 'until'>>

/** Numbers of 64 bits that one session alone has: those of session locks, of presences, and of others, which have no name here. */
async function lookAtPostgres(send: Send, names: Names): ReturnType<Look> {
  const from = sharedTime()
  const { rows } = await send(`select
    lpad(to_hex((extract(epoch from pg_postmaster_start_time()) * 1000000)::bigint), 16, '0') as server,
    (select json_object_agg(((classid::bigint << 32) | objid::bigint)::text, pid::text)::text from pg_locks
     where (locktype, objsubid, mode, granted) = ('advisory', 1, 'ExclusiveLock', true)
       and database = (select oid from pg_database where datname = current_database())) as held`)
  const held = Object.entries<string>(JSON.parse(String(rows[0]?.held ?? '{}')))
  const holders = new Map<string, string>()
  const presences = new Set<string>()
  for (const [lock, session] of held) {
    const key = names.get(lock)
    if (key === undefined) presences.add(asPresence(lock))
    else holders.set(key, session)
  }
  return { from, server: String(rows[0]?.server), holders, presences }
}

/** The number of a presence's lock is its name. */
function asPresence(lock: string): string {
  return BigInt.asUintN(64, BigInt(lock)).toString(16).padStart(16, '0')
}

/** MariaDB lists no such locks: so each is asked for that a row names, or that was there a moment ago. */
function lookAtMysql(tableName: string): Look {
  let present: readonly string[] = []
  return async (send, names) => {
    const { rows } = await send(
      `select distinct substring(attempt, 26, 16) as presence from ${tableName} where attempt like 'present:%'`,
    )
    const wanted = [...new Set([...present, ...rows.map(({ presence }) => String(presence))])]
    const asked = [...names.keys(), ...wanted.map((presence) => `verrou:${presence}`)]
    const from = sharedTime()
    const answer = await send(`select ${asked.map((lock, n) => `is_used_lock('${lock}') as n${n}`).join(', ')}`)
    const sessions = asked.map((_, n) => answer.rows[0]?.[`n${n}`] ?? null)
    const holders = new Map(
      [...names.values()].flatMap((key, n) => (sessions[n] === null ? [] : [[key, String(sessions[n])]])),
    )
    present = wanted.filter((_, n) => sessions[names.size + n] !== null)
    return { from, server: null, holders, presences: new Set(present) }
  }
}
