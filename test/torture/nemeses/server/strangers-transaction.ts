import type { FaultKind, Scene } from '../../fault.ts'
import { pause } from '../pause.ts'
import { openAdmin, quoted, type ServerFamily, serverFamily } from './server-scene.ts'
import type { ServerSession } from './server-session.ts'

/** `table`, Postgres only: what `create index` takes, which lets nobody write. */
const LOCKS: Record<ServerFamily, readonly string[]> = {
  postgres: ['for update', 'for share', 'write', 'table'],
  // MariaDB does not know `for share`.
  mysql: ['for update', 'lock in share mode', 'write'],
}

/** How many of the rows that were taken last count as the hot ones. */
const HOT_ROWS = 5

/** Somebody who is no worker of ours has rows of the lock table locked: a person with a console, a report, a migration. */
export function strangersTransaction(family: ServerFamily): FaultKind {
  return {
    name: "stranger's transaction",
    lane: 'server',
    weight: 12,
    draw(random) {
      const lock = random.pick(LOCKS[family])
      return {
        lock,
        rows: random.pick(['one', 'all']),
        chosen: random.integer(0, HOT_ROWS - 1),
        // What it has written must not stay.
        end: lock === 'write' ? 'rollback' : random.pick(['commit', 'rollback']),
        forMs: random.integer(200, 4_000),
      }
    },
    async inject({ lock, rows, chosen, end, forMs }, scene, signal) {
      const stranger = await openAdmin(scene)
      try {
        await stranger.query('begin')
        const hot = rows === 'one' ? await hotKey(stranger, scene, Number(chosen)) : undefined
        await takeLocks(stranger, scene, String(lock), hot)
        await pause(Number(forMs), signal)
        // A server that has gone down meanwhile has ended it.
        await stranger.query(String(end)).catch(() => {})
      } finally {
        stranger.close()
      }
    },
  }
}

async function hotKey(stranger: ServerSession, scene: Scene, chosen: number): Promise<unknown> {
  const family = serverFamily(scene)
  const rows = await stranger.query(
    `select ${quoted(family, 'key')} as hot from ${quoted(family, scene.tableName)} order by acquired_at desc limit ${HOT_ROWS}`,
  )
  if (rows.length === 0) throw new Error('not injected: no row to lock')
  return rows[chosen % rows.length]?.hot
}

/** @param hot a key; undefined: all rows */
async function takeLocks(stranger: ServerSession, scene: Scene, lock: string, hot: unknown): Promise<void> {
  const family = serverFamily(scene)
  const table = quoted(family, scene.tableName)
  if (lock === 'table') {
    await stranger.query(`lock table ${table} in share mode`)
    return
  }
  const where = hot === undefined ? '' : `where ${quoted(family, 'key')} = ${family === 'postgres' ? '$1' : '?'}`
  const sql =
    lock === 'write'
      ? `update ${table} set held_by = 'a stranger' ${where}`
      : `select ${quoted(family, 'key')} from ${table} ${where} ${lock}`
  await stranger.query(sql, hot === undefined ? [] : [hot])
}
