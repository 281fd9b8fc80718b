// A server with locks, on SQLite or Postgres. Start as many as you like.
//   npm i fastify fastify-plugin kysely pg better-sqlite3 verrou-sql
//   node server.ts                              the file app.db
//   DATABASE_URL=postgres://… node server.ts    Postgres
import Fastify from 'fastify'
import { openDatabase } from './database.ts'
import { locks } from './locks.ts'
import { payments } from './payments.ts'

const { db, store } = await openDatabase()
// A client that keeps its connection open keeps a server from stopping for this long; 72 s are the default.
const fastify = Fastify({ keepAliveTimeout: 5_000 })

// Last in, first out: the locks are closed before the database.
fastify.addHook('onClose', () => db.destroy())
await fastify.register(locks, { store, defaults: { label: 'payments' } })
await fastify.register(payments(db))

const address = await fastify.listen({ port: Number(process.env.PORT ?? 0), host: '127.0.0.1' })
console.log(`listening on ${address}`)

process.once('SIGTERM', () => fastify.close())
