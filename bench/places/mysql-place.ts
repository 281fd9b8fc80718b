import { randomBytes } from 'node:crypto'
import type { BenchServer } from '../servers/bench-server.ts'
import { connect } from './connect.ts'
import type { Place } from './place.ts'

/** `Questions` counts what clients sent, also of prepared statements, and not their preparation. */
const COUNTERS = "show global status where Variable_name in ('Questions', 'Innodb_os_log_written')"

/** Makes a database on MySQL or MariaDB. It is dropped in the end. */
export async function mysqlPlace(server: BenchServer): Promise<Place> {
  const name = `verrou_bench_${randomBytes(4).toString('hex')}`
  const admin = await connect(server.url)
  await admin.send(`create database ${name}`)
  const url = new URL(server.url)
  url.pathname = `/${name}`
  const own = await connect(url.href)
  let asked = 0
  return {
    name: server.name,
    title: `${server.name === 'mysql' ? 'MySQL' : 'MariaDB'} ${server.version}`,
    url: url.href,
    send: own.send,
    async counters() {
      asked++
      const rows = await admin.send(COUNTERS)
      const status = new Map(rows.map((row) => [row.Variable_name, Number(row.Value)]))
      return {
        statements: (status.get('Questions') ?? 0) - asked,
        logBytes: status.get('Innodb_os_log_written') ?? 0,
      }
    },
    async [Symbol.asyncDispose]() {
      await own[Symbol.asyncDispose]()
      await admin.send(`drop database ${name}`)
      await admin[Symbol.asyncDispose]()
    },
  }
}
