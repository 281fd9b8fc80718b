import { randomBytes } from 'node:crypto'
import { CompiledQuery, sql } from 'kysely'
import { tableId } from '../../dialects/table-id.ts'
import { type ResolvedTable, resolveTable } from '../../options.ts'
import { schemaStatements } from '../../schema/create-migrations.ts'
import type { Connection } from '../connection/connection.ts'
import { printNote } from '../output/print-note.ts'
import { reasonOf } from '../output/reason-of.ts'

/** A lock table for the time of a measurement: that of the app is not touched. */
export class BenchTable implements AsyncDisposable {
  readonly table: ResolvedTable
  readonly #db: Connection['db']

  private constructor(db: Connection['db'], table: ResolvedTable) {
    this.#db = db
    this.table = table
  }

  /** @throws the error of the driver, when this user may not create tables */
  static async create({ db, dialect, tableOptions }: Connection): Promise<BenchTable> {
    const tableName = `verrou_bench_${randomBytes(4).toString('hex')}`
    const created = new BenchTable(db, resolveTable({ ...tableOptions, tableName }))
    for (const statement of schemaStatements(dialect, created.table)) {
      await db.executeQuery(CompiledQuery.raw(statement))
    }
    return created
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      await sql`drop table ${tableId(this.table)}`.execute(this.#db)
    } catch (error) {
      // Said, not thrown: this must not hide what ended the measurement.
      printNote(`the table ${this.table.tableName} could not be dropped: ${reasonOf(error)}`)
    }
  }
}
