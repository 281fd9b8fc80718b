// An app with locks, on SQLite or Postgres. Start as many as you like.
//   npm i @nestjs/common @nestjs/core @nestjs/platform-fastify reflect-metadata rxjs pg better-sqlite3 verrou-sql
//   npx tsc -p . && node dist/main.js                              the file app.db
//   npx tsc -p . && DATABASE_URL=postgres://… node dist/main.js    Postgres
import 'reflect-metadata'
import { Module } from '@nestjs/common'
import { NestFactory } from '@nestjs/core'
import { FastifyAdapter, type NestFastifyApplication } from '@nestjs/platform-fastify'
import Sqlite from 'better-sqlite3'
import pg from 'pg'
import type { LockStore } from 'verrou-sql'
import { sqliteStore } from 'verrou-sql/drivers/better-sqlite3'
import { pgStore } from 'verrou-sql/drivers/pg'
import { InvoicesController } from './invoices.js'
import { VerrouModule } from './verrou.module.js'

@Module({
  imports: [VerrouModule.forRoot({ store: openStore(process.env.DATABASE_URL), label: 'invoices' })],
  controllers: [InvoicesController],
})
class AppModule {}

// A client that keeps its connection open keeps a server from stopping for this long; 72 s are the default.
const adapter = new FastifyAdapter({ keepAliveTimeout: 5_000 })
const app = await NestFactory.create<NestFastifyApplication>(AppModule, adapter, { logger: ['error', 'warn'] })
app.enableShutdownHooks() // without it, nothing is closed at SIGTERM
await app.listen(Number(process.env.PORT ?? 0), '127.0.0.1')
console.log(`listening on ${await app.getUrl()}`)

function openStore(url: string | undefined): LockStore {
  if (url !== undefined) {
    // `allowExitOnIdle`: idle connections do not keep the process alive when all else is closed.
    const pool = new pg.Pool({ connectionString: url, allowExitOnIdle: true })
    pool.on('error', (error) => console.error('a connection broke while idle:', error.message))
    return pgStore({ pool, autoCreateTable: true })
  }
  const database = new Sqlite('app.db')
  database.pragma('journal_mode = wal')
  return sqliteStore({ database, autoCreateTable: true })
}
