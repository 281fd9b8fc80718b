import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import { afterAll, beforeAll, describe, expect, test, vi } from 'vitest'
import { isSelected } from './servers/selection.ts'
import { BACKENDS } from './support/backends.ts'
import { type FrameworkApp, fastifyApp, nestApp } from './support/framework-app.ts'
import type { RunningChild } from './support/running-child.ts'
import { createDatabase, type ThrowawayDatabase } from './support/throwaway-database.ts'

/** The examples with frameworks: each is started twice on one database, as in a deployment with two instances, and asked over HTTP. */

// Compilers, npm and six servers.
vi.setConfig({ testTimeout: 60_000 })

let fastify: FrameworkApp
let nest: FrameworkApp
beforeAll(async () => {
  ;[fastify, nest] = await Promise.all([fastifyApp(), nestApp()])
})
afterAll(() => {
  for (const { folder } of [fastify, nest]) rmSync(folder, { recursive: true })
})

const postgres = BACKENDS.findLast(({ family }) => family === 'postgres')
const DATABASES = [...(isSelected('sqlite') ? [undefined] : []), ...(postgres ? [postgres] : [])]

for (const backend of DATABASES) {
  const name = backend?.name ?? 'sqlite'

  describe(`fastify, ${name}`, () => {
    const instances = twoInstances(() => fastify, 0)

    test('a POST that is sent again pays once, whichever instance it is sent to', async () => {
      const pay = (instance: number, id: string) =>
        send(instances.addresses[instance], 'POST', '/payments', { amount: 42 }, { 'idempotency-key': id })
      const { id, refused } = await untilRefused([200, 409], pay)
      expect(refused).toMatchObject({ status: 409, retryAfter: '1' })
      for (const instance of [0, 1])
        expect(await pay(instance, id)).toMatchObject({ status: 200, body: { id, amount: 42 } })
    })

    test('a server that is told to stop answers first', async () => {
      const pay = (instance: number) =>
        send(instances.addresses[instance], 'POST', '/payments', { amount: 42 }, { 'idempotency-key': 'last' })
      expect(await instances.stopMeanwhile(() => pay(0))).toMatchObject({ status: 201 })
      expect(await pay(1)).toMatchObject({ status: 200 })
    })

    test('a POST without a key is refused', async () => {
      expect(await send(instances.addresses[1], 'POST', '/payments', { amount: 42 })).toMatchObject({ status: 400 })
    })
  })

  describe(`nestjs, ${name}`, () => {
    const instances = twoInstances(() => nest, 'SIGTERM')

    test('a handler with @Locked runs once at a time for each key, in all instances', async () => {
      const bill = (instance: number, id: string) => send(instances.addresses[instance], 'POST', `/invoices/${id}/bill`)
      const { refused } = await untilRefused([201, 423], bill)
      expect(refused).toMatchObject({ status: 423, retryAfter: '1' })
      const answers = await Promise.all([bill(0, 'one'), bill(1, 'other')])
      expect(answers.map(({ body }) => body)).toEqual([{ billed: 'one' }, { billed: 'other' }])
    })

    test('a handler may wait for its turn; LockFactory can be injected', async () => {
      const [one, other] = instances.addresses
      const billed = send(one, 'POST', '/invoices/3/bill')
      await vi.waitFor(
        async () => expect((await send(other, 'GET', '/invoices/3')).body).toEqual({ isBusy: true }),
        5_000,
      )
      expect(await send(other, 'POST', '/invoices/3/remind')).toMatchObject({ status: 201, body: { reminded: '3' } })
      expect(await billed).toMatchObject({ status: 201 })
      expect((await send(one, 'GET', '/invoices/3')).body).toEqual({ isBusy: false })
    })

    test('a server that is told to stop answers first', async () => {
      const bill = (instance: number) => send(instances.addresses[instance], 'POST', '/invoices/last/bill')
      expect(await instances.stopMeanwhile(() => bill(0))).toMatchObject({ status: 201 })
      expect(await bill(1)).toMatchObject({ status: 201 })
    })
  })

  /** Starts an example twice, and stops it after the tests: it must end by itself, without an error. */
  function twoInstances(app: () => FrameworkApp, end: number | string) {
    const addresses: string[] = []
    const servers: RunningChild[] = []
    let database: ThrowawayDatabase | undefined
    beforeAll(async () => {
      database = backend && (await createDatabase(backend))
      const env = database ? { DATABASE_URL: database.url } : {}
      // One after the other: the first one creates the tables of the example.
      for (let instance = 0; instance < 2; instance++) {
        const { server, address } = await app().start(env)
        servers.push(server)
        addresses.push(address)
      }
    })
    afterAll(async () => {
      for (const { process } of servers) if (!process.killed) process.kill('SIGTERM')
      const ended = await Promise.all(servers.map(async (server) => [await server.ended, server.output()]))
      await database?.drop()
      expect(ended).toEqual(addresses.map((address) => [end, `listening on ${address}\n`]))
    })
    return {
      addresses,
      /** Tells the first one to stop when it is at work. */
      async stopMeanwhile(ask: () => Promise<Reply>): Promise<Reply> {
        const reply = ask()
        await sleep(150)
        servers[0]?.process.kill('SIGTERM')
        return await reply
      },
    }
  }
}

/**
 * Sends the same to both instances at the same moment, with one id after the other, until they meet: on a busy machine, the second request may
 * come after the first one's work. One of them is always the first.
 *
 * @param others what the other one may be answered
 */
async function untilRefused(others: readonly number[], ask: (instance: number, id: string) => Promise<Reply>) {
  for (let effort = 1; effort <= 20; effort++) {
    const id = `${effort}`
    const replies = await Promise.all([ask(0, id), ask(1, id)])
    const other = replies.find(({ status }) => status !== 201) ?? replies[1]
    expect(replies).toContainEqual(expect.objectContaining({ status: 201 }))
    expect(others).toContain(other?.status)
    if (other && other.status >= 400) return { id, refused: other }
  }
  return expect.fail('they never met')
}

interface Reply {
  readonly status: number
  readonly retryAfter: string | null
  readonly body: unknown
}

async function send(
  address: string | undefined,
  method: string,
  path: string,
  body?: object,
  headers: Record<string, string> = {},
): Promise<Reply> {
  // A connection that is kept open keeps the server open.
  const response = await fetch(`${address}${path}`, {
    method,
    ...(body && { body: JSON.stringify(body) }),
    headers: { connection: 'close', ...(body && { 'content-type': 'application/json' }), ...headers },
  })
  return { status: response.status, retryAfter: response.headers.get('retry-after'), body: await response.json() }
}
