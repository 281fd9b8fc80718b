import { createHash } from 'node:crypto'
import pg from 'pg'
import type { Peer } from './peer.ts'

/** The functions of Postgres on one connection, prepared: what session locks are made of, and no more. */
export const bareAdvisoryLock: Peer = {
  async open({ url }) {
    const client = new pg.Client({ connectionString: url })
    client.on('error', () => {})
    await client.connect()
    const ask = async (name: string, text: string, number: bigint) => {
      const { rows } = await client.query<{ done: boolean }>({ name, text, values: [number] })
      return rows[0]?.done === true
    }
    return {
      async take(key) {
        const number = createHash('sha256').update(key).digest().readBigInt64BE()
        if (!(await ask('take', 'select pg_try_advisory_lock($1::bigint) as done', number))) return undefined
        return {
          async release() {
            if (!(await ask('release', 'select pg_advisory_unlock($1::bigint) as done', number)))
              throw new Error('the lock was lost')
          },
        }
      },
      close: () => client.end(),
    }
  },
}
