import type { OpenBackend } from './contract-backend.ts'

/** What the database knows of presences. */
export interface PresenceSessions {
  /** The session that stands for the holder of the key; `null`: it is gone, or the row names none. */
  sessionOf(key: string): Promise<number | null>
  /** Whether the server shows the session. */
  isThere(session: number): Promise<boolean>
  kill(session: number): Promise<void>
}

/** How a row names a presence. */
const NAMED = /^present:[0-9a-f]{16}:([0-9a-f]{16}):/

/** Asks through the back door. */
export function presenceSessions({ address, send }: OpenBackend): PresenceSessions {
  const { family, tableName } = address ?? {}
  const isPostgres = family === 'postgres'
  const key = isPostgres ? 'key' : '`key`'
  return {
    async sessionOf(lockKey) {
      const [row] = await send(`select attempt from ${tableName} where ${key} = '${lockKey}'`)
      const name = NAMED.exec(String(row?.attempt))?.[1]
      if (name === undefined) return null
      const question = isPostgres
        ? `select pid as session from pg_locks where locktype = 'advisory' and objsubid = 1
           and (classid::bigint << 32) | objid::bigint = ('x' || '${name}')::bit(64)::bigint`
        : `select is_used_lock('verrou:${name}') as session`
      const session = (await send(question))[0]?.session
      return session === null || session === undefined ? null : Number(session)
    },
    async isThere(session) {
      const question = isPostgres
        ? `select 1 from pg_stat_activity where pid = ${session}`
        : `select 1 from information_schema.processlist where id = ${session}`
      return (await send(question)).length > 0
    },
    async kill(session) {
      await send(isPostgres ? `select pg_terminate_backend(${session})` : `kill ${session}`).catch(() => {})
    },
  }
}
