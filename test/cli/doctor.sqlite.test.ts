import Database from 'better-sqlite3'
import { CompiledQuery } from 'kysely'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { networkFileSystem } from '../../src/cli/doctor/network-file-system.ts'
import { isSelected } from '../servers/selection.ts'
import { type DoctorPlace, migrated, newDoctorFile, TABLE } from '../support/doctor/doctor-places.ts'
import { badOf, type Examined, openExamined } from '../support/doctor/examined.ts'

describe.runIf(isSelected('sqlite'))('doctor, the file of SQLite', () => {
  let place: DoctorPlace
  let one: Examined

  beforeEach(async () => {
    place = await migrated(newDoctorFile())
    one = await openExamined(place.url, TABLE)
  })
  afterEach(async () => {
    await one[Symbol.asyncDispose]()
    await place.drop()
  })

  const whatsOf = async (check: string) => badOf(await one.check(check)).map(({ what }) => what)

  test('a journal that is no write-ahead log, and a long busy timeout', async () => {
    await one.send('pragma journal_mode = delete')
    await one.send('pragma busy_timeout = 60000')
    expect(await whatsOf('file')).toEqual(['the journal mode is delete', 'the busy timeout is 60000 ms'])
  })

  test('commits that can break the file, and a connection that may not write', async () => {
    await one.send('pragma synchronous = off')
    expect(await whatsOf('durability')).toEqual(['synchronous = off'])
    await one.send('pragma query_only = on')
    expect(await whatsOf('read-only')).toEqual(['nothing can be written: `query_only` is on'])
  })

  test('another process that writes; and afterwards all is as before', async () => {
    const writer = new Database(place.url)
    writer.exec('begin immediate')
    expect(await whatsOf('blockers')).toEqual([expect.stringMatching(/^another process has been writing/)])
    writer.close()
    expect(await whatsOf('blockers')).toEqual([])
    const { rows } = await one.connection.db.executeQuery(CompiledQuery.raw('pragma busy_timeout'))
    expect(rows).toEqual([{ timeout: 5000 }])
  })

  test('a write-ahead log that a reader keeps from being emptied', async () => {
    await one.send('create table filler (bytes)')
    const reader = new Database(place.url)
    reader.exec('begin; select * from filler')
    await one.send('insert into filler values (zeroblob(70 * 1024 * 1024))')
    expect(await whatsOf('bloat')).toEqual([expect.stringMatching(/^the write-ahead log has 7\d\.\d MB$/)])
    reader.close()
  })
})

test('network file systems by their numbers; those of disks are none', () => {
  expect([0x6969, 0xfe534d42 | 0, 0x01021997].map(networkFileSystem)).toEqual(['NFS', 'SMB', '9P'])
  expect([0xef53, 0x58465342, 0x9123683e, 0x01021994, 0x794c7630].map(networkFileSystem)).toEqual(
    new Array(5).fill(undefined),
  )
})
