import { randomUUID } from 'node:crypto'
import { CompiledQuery, type Kysely, sql } from 'kysely'
import type { DialectName } from '../../dialects/compiler.ts'
import { schemaStatements } from '../../schema/create-migrations.ts'
import { reasonOf } from '../output/reason-of.ts'

/** What the database says when a concert is sold. */
export interface Count {
  readonly tickets: number
  /** Seats with at least one ticket. */
  readonly takenSeats: number
  /** What the counter of the seats left says. */
  readonly seatsLeft: number
}

/**
 * The tables of the demo: how many seats each concert has left, and one row for every ticket. Statements that any
 * database understands, and no transactions: what keeps the numbers right is the lock, or nothing.
 */
export class BoxOffice implements AsyncDisposable {
  readonly #db: Kysely<unknown>
  readonly #name: string
  readonly #seats
  readonly #sales
  readonly #locks

  /** @param name what the names of all tables begin with */
  constructor(db: Kysely<unknown>, name: string) {
    this.#db = db
    this.#name = name
    this.#seats = sql.table(`${name}_seats`)
    this.#sales = sql.table(`${name}_sales`)
    this.#locks = sql.table(locksTableOf(name))
  }

  async createTables(dialect: DialectName): Promise<void> {
    const locks = schemaStatements(dialect, { tableName: locksTableOf(this.#name) })
    for (const statement of locks) await this.#db.executeQuery(CompiledQuery.raw(statement))
    await sql`create table ${this.#seats} (concert varchar(40) primary key, seats_left integer not null)`.execute(
      this.#db,
    )
    await sql`create table ${this.#sales} (
      id varchar(36) primary key, concert varchar(40) not null, seat integer not null, worker integer not null
    )`.execute(this.#db)
  }

  /** Drops the tables, that of the locks included. */
  async [Symbol.asyncDispose](): Promise<void> {
    try {
      const tables = [this.#seats, this.#sales, this.#locks]
      for (const table of tables) await sql`drop table if exists ${table}`.execute(this.#db)
    } catch (error) {
      // Said, not thrown: this must not hide what ended the demo.
      process.stderr.write(`The tables ${this.#name}_… could not be dropped: ${reasonOf(error)}\n`)
    }
  }

  async announce(concert: string, seats: number): Promise<void> {
    await sql`insert into ${this.#seats} (concert, seats_left) values (${concert}, ${seats})`.execute(this.#db)
  }

  async readSeatsLeft(concert: string): Promise<number> {
    const query = sql<{ seats_left: number }>`select seats_left from ${this.#seats} where concert = ${concert}`
    const { rows } = await query.execute(this.#db)
    return Number(rows[0]?.seats_left)
  }

  async writeSeatsLeft(concert: string, seatsLeft: number): Promise<void> {
    await sql`update ${this.#seats} set seats_left = ${seatsLeft} where concert = ${concert}`.execute(this.#db)
  }

  async recordSale(concert: string, seat: number, worker: number): Promise<void> {
    await sql`insert into ${this.#sales} (id, concert, seat, worker)
      values (${randomUUID()}, ${concert}, ${seat}, ${worker})`.execute(this.#db)
  }

  async count(concert: string): Promise<Count> {
    const query = sql<{ tickets: number; seats: number }>`
      select count(*) as tickets, count(distinct seat) as seats from ${this.#sales} where concert = ${concert}`
    const { rows } = await query.execute(this.#db)
    return {
      tickets: Number(rows[0]?.tickets),
      takenSeats: Number(rows[0]?.seats),
      seatsLeft: await this.readSeatsLeft(concert),
    }
  }
}

/** The table of the locks. */
export function locksTableOf(name: string): string {
  return `${name}_locks`
}
