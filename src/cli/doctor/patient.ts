import type { Kysely, RawBuilder } from 'kysely'
import type { DialectName } from '../../dialects/compiler.ts'
import type { ResolvedTable } from '../../options.ts'
import type { Engine } from './engine.ts'
import type { Survey } from './survey.ts'

/** A row of an answer. Drivers have numbers, texts or booleans for the same thing: read them with {@link numberIn} and {@link isOn}. */
export type Row = Readonly<Record<string, unknown>>

/** The database that is examined. */
export interface Patient {
  readonly dialect: DialectName
  readonly engine: Engine
  /** Without plugins. */
  readonly db: Kysely<unknown>
  readonly table: ResolvedTable
  /** The pool behind `db`, where it shows: a `pg.Pool`, or a pool of `mysql2`. */
  readonly pool: object | undefined
  /** One question: read-only, and bounded in time by the server where it can do that. */
  ask(question: RawBuilder<unknown>): Promise<Row[]>
  /** The rows of the lock table, counted once for all checks. */
  survey(): Promise<Survey>
}

/** A number, whatever the driver makes of it; missing: `NaN`. */
export function numberIn(row: Row | undefined, name: string): number {
  const value = row?.[name]
  return value === null || value === undefined ? Number.NaN : Number(value)
}

/** Text; missing: the empty one. Drivers have buffers for what MySQL calls `varbinary`. */
export function textIn(row: Row | undefined, name: string): string {
  const value = row?.[name]
  return value === null || value === undefined ? '' : String(value)
}

/** `true`, 1, `ON`, `yes`: each database has its own word. */
export function isOn(row: Row | undefined, name: string): boolean {
  return /^(true|t|1|on|yes)$/i.test(textIn(row, name))
}
