import { setTimeout as sleep } from 'node:timers/promises'
import { beforeEach, describe, expect, test, vi } from 'vitest'
import type { Tested } from './tested.ts'

/** Faults that hurt the table of the locks. */
export function troubleWithTable(tested: Tested): void {
  const isPostgres = tested.family === 'postgres'
  const key = isPostgres ? 'key' : '`key`'
  const ask = (sql: string) => tested.server.admin.query(sql)

  describe("stranger's transaction", () => {
    beforeEach(async () => {
      for (const name of ['cold', 'hot']) {
        await tested.server.locks.createLock(name).forceRelease()
        await tested.server.locks.createLock(name).acquire()
      }
    })

    async function canLock(name: string): Promise<boolean> {
      const worker = await tested.server.openWorker()
      await worker.query('begin')
      const rows = await worker.query(`select 1 from locks where ${key} = '${name}' for update skip locked`)
      worker.close()
      return rows.length === 1
    }

    test.each<[string, 'one' | 'all']>([
      ['for update', 'one'],
      ['for update', 'all'],
      [isPostgres ? 'for share' : 'lock in share mode', 'all'],
      ['write', 'one'],
    ])('%s, %s', async (lock, rows) => {
      const details = { lock, rows, chosen: 0, end: 'rollback' }
      const fault = tested.begin("stranger's transaction", details)
      await vi.waitFor(async () => expect(await canLock('hot')).toBe(false))
      expect(await canLock('cold')).toBe(rows === 'one')
      await fault.end()
      expect([await canLock('hot'), await canLock('cold')]).toEqual([true, true])
      expect(await ask("select 1 from locks where held_by = 'a stranger'")).toEqual([])
    })

    test.runIf(isPostgres)('nobody writes to the table', async () => {
      const details = { lock: 'table', rows: 'all', chosen: 0, end: 'commit' }
      const fault = tested.begin("stranger's transaction", details)
      const worker = await tested.worker()
      await worker.query('set lock_timeout = 20')
      const write = () => worker.query('update locks set token = token')
      await vi.waitFor(() => expect(write()).rejects.toThrow('lock timeout'))
      await fault.end()
      await write()
    })
  })

  describe('maintenance', () => {
    const rewriting = isPostgres ? ['vacuum full'] : ['optimize table', 'alter table … force']
    const others = isPostgres ? ['vacuum analyze', 'analyze', 'reindex table'] : ['analyze table']
    const files = tested.name === 'mariadb' ? 'innodb_sys_tables' : 'innodb_tables'
    const madeSql = isPostgres
      ? "select relfilenode as made from pg_class where relname = 'locks'"
      : `select table_id as made from information_schema.${files} where name = concat(database(), '/locks')`

    test.each(rewriting)('%s: the table is made anew', async (command) => {
      const before = await ask(madeSql)
      expect(before).toHaveLength(1)
      await tested.inject('maintenance', { command, forMs: 100 })
      expect(await ask(madeSql)).not.toEqual(before)
    })

    // It throws if the server understood none of them.
    test.each(others)('%s', (command) => tested.inject('maintenance', { command, forMs: 50 }))
  })

  test('pruning at full speed: what is free goes, what is held stays, and tokens grow', async () => {
    const { locks } = tested.server
    const held = locks.createLock('pruning:held')
    await held.acquire()
    const fault = tested.begin('pruning at full speed', { retentionMs: 20, aheadMs: 0 })
    const keysSql = `select ${key} as name from locks where ${key} like 'pruning:%'`
    const keys = async () => (await ask(keysSql)).map(({ name }) => String(name))
    let lastToken = 0
    for (let turn = 0; turn < 3; turn++) {
      const free = locks.createLock('pruning:free')
      await free.acquire()
      expect(free.fencingToken).toBeGreaterThan(lastToken)
      lastToken = Number(free.fencingToken)
      await free.release()
      await vi.waitFor(async () => expect(await keys()).toEqual(['pruning:held']))
    }
    await fault.end()
    await held.release()
  })

  test('pruning at full speed: tokens grow, though they are ahead of the clock', async () => {
    const fault = tested.begin('pruning at full speed', { retentionMs: 50, aheadMs: 5_000 })
    const lock = tested.server.locks.createLock('pruning:ahead')
    let lastToken = 0
    for (let turn = 0; turn < 24; turn++) {
      await lock.acquire()
      expect(lock.fencingToken).toBeGreaterThan(lastToken)
      lastToken = Number(lock.fencingToken)
      await lock.release()
      // Now and then for longer than the retention.
      await sleep(turn % 12 === 11 ? 120 : 20)
    }
    await fault.end()
    expect(lastToken / 1000).toBeGreaterThan(Date.now() + 3_000)
  })
}
