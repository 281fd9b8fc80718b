// An idempotent POST: whoever sends it again, to any instance, pays once, and gets the answer of the first time.
import { setTimeout as sleep } from 'node:timers/promises'
import type { FastifyInstance } from 'fastify'
import type { Database } from './database.ts'

interface Payment {
  readonly amount: number
}

const BODY = {
  type: 'object',
  required: ['amount'],
  properties: { amount: { type: 'integer', minimum: 1 } },
}

const HEADERS = {
  type: 'object',
  required: ['idempotency-key'],
  properties: { 'idempotency-key': { type: 'string', minLength: 1, maxLength: 200 } },
}

export function payments(db: Database) {
  return async (fastify: FastifyInstance): Promise<void> => {
    fastify.post<{ Body: Payment; Headers: { 'idempotency-key': string } }>(
      '/payments',
      { schema: { body: BODY, headers: HEADERS } },
      async (request, reply) => {
        const id = request.headers['idempotency-key']
        const once = { retry: { attempts: 1 }, keepAlive: true }

        const [acquired, payment] = await fastify.locks
          .createLock(`payment:${id}`, '10s')
          .run(async ({ lock, signal }) => {
            const before = await db.selectFrom('payments').selectAll().where('id', '=', id).executeTakeFirst()
            if (before) return { ...before, isNew: false }

            await charge(request.body.amount, signal)
            const made = { id, amount: request.body.amount }
            // Commits only while the lock is ours.
            await lock.transaction(db, (trx) => trx.insertInto('payments').values(made).execute())
            return { ...made, isNew: true }
          }, once)

        if (!acquired) {
          // The first request is still at work. Whoever asks again after that gets its answer.
          return await reply.code(409).header('retry-after', '1').send({ error: 'this payment is being made' })
        }
        return await reply.code(payment.isNew ? 201 : 200).send({ id: payment.id, amount: payment.amount })
      },
    )
  }
}

/** Stands for the payment provider. Pass it the same idempotency key: a lock cannot undo what was sent before it was lost. */
async function charge(_amount: number, signal: AbortSignal): Promise<void> {
  await sleep(300, undefined, { signal })
}
