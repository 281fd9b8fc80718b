import { execFile } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, describe, expect, onTestFinished, test } from 'vitest'
import { REPOSITORY } from '../scripts/repository.ts'
import { fromPrisma } from '../src/adapters/prisma.ts'
import { transactionContract } from './suite/transactions/transaction-contract.ts'
import type { OpenBackend } from './support/contract-backend.ts'
import { oneTableBackendOfEach } from './support/contract-backends.ts'
import { adapterContract } from './support/transactions/adapter-contract.ts'
import { openPrisma, prismaBackends } from './support/transactions/prisma.ts'
import { generateClient, type PrismaClientLike } from './support/transactions/prisma-client.ts'

for (const backend of prismaBackends()) {
  adapterContract(backend)
  transactionContract(backend)
}

for (const backend of oneTableBackendOfEach()) {
  const server = backend.name.replace(/ \(.*/, '')

  describe(`${server}: fromPrisma`, () => {
    let table: OpenBackend
    let prisma: PrismaClientLike
    beforeAll(async () => {
      table = await backend.open()
      prisma = await openPrisma(table.address!.family, table.address!.url)
    })
    afterAll(async () => {
      await prisma.$disconnect()
      await table.close()
    })

    const one = { sql: 'select 1 as one', returnsRows: true }

    test('takes the client of a transaction, with extensions or without, and of a nested one', async () => {
      for (const client of [prisma, prisma.$extends({ name: 'none' })]) {
        await client.$transaction(async (tx) => {
          expect(fromPrisma(tx).handle).toBe(tx)
          const { rows } = await fromPrisma(tx).execute(one, [])
          expect(rows.map((row) => Number(row.one))).toEqual([1])
          await (tx as PrismaClientLike).$transaction(async (nested) => {
            expect((await fromPrisma(nested).execute(one, [])).rows).toHaveLength(1)
          })
        })
      }
    })

    test('refuses what is no transaction', () => {
      for (const given of [prisma, prisma.$extends({}), undefined, null, 5, 'prisma', {}]) {
        expect(() => fromPrisma(given as never)).toThrow(
          /^`tx` must be a transaction of Prisma: the `tx` of `prisma.\$transaction\(async \(tx\) => …\)`; got/,
        )
      }
    })

    test('says that the transaction has ended', async () => {
      const transaction = await prisma.$transaction(async (tx) => fromPrisma(tx))
      const refused = { code: 'E_TRANSACTION_REQUIRED', cause: { code: 'P2028' } }
      await expect(transaction.execute(one, [])).rejects.toMatchObject(refused)
      const late = prisma.$transaction(
        async (tx) => {
          await new Promise((resume) => setTimeout(resume, 200))
          await fromPrisma(tx).execute(one, [])
        },
        { timeout: 50 },
      )
      await expect(late).rejects.toMatchObject(refused)
    })

    test('sends again what Prisma has not sent because something else failed', async () => {
      await prisma
        .$transaction(async (tx) => {
          const transaction = fromPrisma(tx)
          const failing = tx.$queryRawUnsafe('selekt 1').then(
            () => undefined,
            (error) => error.code,
          )
          const rows = transaction.execute(one, []).catch((error) => error)
          const effect = transaction.execute({ ...one, returnsRows: false }, []).catch((error) => error)
          expect(await failing).toBe('P2010')
          if (backend.family === 'postgres') {
            expect([await rows, await effect]).toMatchObject([{ code: '25P02' }, { code: '25P02' }])
          } else {
            expect(await rows).toMatchObject({ rows: [{}] })
            expect((await effect).affectedRows ?? (await effect).message).toBeDefined()
          }
        })
        .catch((error) => {
          if (backend.family !== 'postgres') throw error
        })
    })

    test.runIf(backend.family === 'mysql')('brings back no insert id of an earlier statement', async () => {
      const [first, second] = await prisma.$transaction(async (tx) => {
        const transaction = fromPrisma(tx)
        const name = table.address!.tableName
        const insert = `insert into ${name} (\`key\`, token, expires_at, acquired_at) values (?, last_insert_id(77), 1, 1)`
        const update = `update ${name} set token = last_insert_id(token + 1) where \`key\` = ?`
        return [
          await transaction.execute({ sql: insert, returnsRows: false }, [Buffer.from('a')]),
          await transaction.execute({ sql: update, returnsRows: false }, [Buffer.from('nobody')]),
        ]
      })
      expect(first).toMatchObject({ affectedRows: 1, insertId: 77 })
      expect(second).toMatchObject({ affectedRows: 0, insertId: 0 })
    })
  })
}

test('the types of generated clients fit', { timeout: 60_000 }, async () => {
  const providers = ['postgresql', 'mysql', 'sqlite'] as const
  const clients = await Promise.all(providers.map(generateClient))
  const folder = mkdtempSync(join(REPOSITORY, '.cache/prisma/types-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  for (const [index, client] of clients.entries()) {
    writeFileSync(
      join(folder, `${providers[index]}.ts`),
      `
import { fromPrisma } from '../../../src/adapters/prisma.ts'
import type { PrismaClient } from '../${basename(client)}/client.ts'

declare const prisma: PrismaClient
await prisma.$transaction(async (tx) => {
  await fromPrisma(tx).execute({ sql: 'select 1', returnsRows: true }, [])
})
await prisma.$extends({}).$transaction(async (tx) => {
  fromPrisma(tx)
})
// @ts-expect-error It has none of the methods.
fromPrisma(new Map())
`,
    )
  }
  writeFileSync(join(folder, 'tsconfig.json'), JSON.stringify({ extends: '../../../tsconfig.json', include: ['*.ts'] }))
  const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  const checked = promisify(execFile)(process.execPath, [tsc, '-p', folder])
  const { stdout } = await checked.catch((error: { stdout: string }) => error)
  expect(stdout).toBe('')
})
