import { setTimeout as sleep } from 'node:timers/promises'
import { describe, expect, test, vi } from 'vitest'
import { TcpProxy } from '../../../../support/tcp-proxy.ts'
import { alive, type Tested } from './tested.ts'

/** Faults that change what sessions begin with. */
export function troubleWithSettings(tested: Tested): void {
  const { family, name } = tested
  const isPostgres = family === 'postgres'
  const isolationSql = isPostgres
    ? 'show transaction_isolation'
    : `select @@${name === 'mariadb' ? 'tx_isolation' : 'transaction_isolation'}`
  const isolation = async () =>
    String(await tested.inNewSession(isolationSql))
      .toLowerCase()
      .replace('-', ' ')

  describe('default isolation', () => {
    test('new sessions have it, old ones are ended, and back again', async () => {
      const before = await isolation()
      const old = await tested.worker()
      const fault = tested.begin('default isolation', { level: 'serializable' })
      await vi.waitFor(async () => expect(await isolation()).toBe('serializable'))
      await vi.waitFor(async () => expect(await alive([old])).toEqual([false]))
      const newer = await tested.worker()
      await fault.end()
      expect(await isolation()).toBe(before)
      expect(await alive([newer])).toEqual([false])
    })

    test.runIf(isPostgres)('what the owner of the database has set comes back', async () => {
      const { admin } = tested.server
      const [row] = await admin.query('select current_database() as name')
      await admin.query(`alter database ${row?.name} set default_transaction_isolation = 'repeatable read'`)
      await tested.inject('default isolation', { level: 'serializable', forMs: 50 })
      expect(await isolation()).toBe('repeatable read')
      await admin.query(`alter database ${row?.name} reset default_transaction_isolation`)
    })

    test('what was changed is put back when the server has come back', async () => {
      const before = await isolation()
      const { adminUrl } = tested.server
      const proxy = await TcpProxy.to(adminUrl)
      await proxy.up()
      const fault = tested.begin('default isolation', { level: 'serializable' }, proxy.through(adminUrl))
      let hasEnded = false
      await vi.waitFor(async () => expect(await isolation()).toBe('serializable'))
      await proxy.down()
      const ended = fault.end().finally(() => {
        hasEnded = true
      })
      await sleep(300)
      expect([hasEnded, await isolation()]).toEqual([false, 'serializable'])
      await proxy.up()
      await ended
      expect(await isolation()).toBe(before)
      await proxy.down()
    })
  })

  test('impatient server: the limit counts', async () => {
    const [setting, limit, sql, seen] = isPostgres
      ? (['lock_timeout', 20, 'show lock_timeout', '20ms'] as const)
      : (['wait_timeout', 1, 'select @@wait_timeout', 1] as const)
    const before = await tested.inNewSession(sql)
    const fault = tested.begin('impatient server', { setting, limit })
    await vi.waitFor(async () => expect(await tested.inNewSession(sql)).toBe(seen))
    await fault.end()
    expect(await tested.inNewSession(sql)).toBe(before)
  })

  test.runIf(isPostgres)('read only: nobody writes', async () => {
    const write = () => tested.inNewSession('update locks set token = token')
    const fault = tested.begin('read only', {})
    await vi.waitFor(() => expect(write()).rejects.toThrow('read-only'))
    await fault.end()
    await write()
  })

  test.each([
    ['gap', 0, 3_600],
    ['fold', 3_600, 0],
  ] as const)('time zone with a DST change: a %s while it lasts', async (change, before, after) => {
    const zoneSql = isPostgres ? 'show timezone' : 'select @@time_zone'
    const offsetSql = isPostgres
      ? 'select extract(timezone from clock_timestamp())::integer as seconds'
      : 'select round(timestampdiff(microsecond, utc_timestamp(6), now(6)) / 1e6) as seconds'
    const usual = [await tested.inNewSession(zoneSql), await tested.inNewSession(offsetSql)]
    const fault = tested.begin('time zone with a DST change', { change, inSeconds: 3 })
    await vi.waitFor(async () => expect(await tested.inNewSession(zoneSql)).not.toBe(usual[0]))
    // In new sessions: one that was opened at once may be among those that the fault ends.
    const offset = async () => Number(await tested.inNewSession(offsetSql))
    await vi.waitFor(async () => expect(await offset()).toBe(before))
    await vi.waitFor(async () => expect(await offset()).toBe(after), 5_000)
    await fault.end()
    expect([await tested.inNewSession(zoneSql), await tested.inNewSession(offsetSql)]).toEqual(usual)
  })
}
