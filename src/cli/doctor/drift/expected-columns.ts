import type { DialectName } from '../../../dialects/compiler.ts'

/** A column as the migrations make it. Types as the database's catalogue writes them. */
export interface ExpectedColumn {
  readonly type: string
  readonly isRequired: boolean
  /** Of the second migration: nothing but `runOncePer` needs it. */
  readonly isOfRuns?: true
}

const OF_RUNS = { isRequired: false, isOfRuns: true } as const

/** A test compares them with what the migrations make, on every database. */
export const EXPECTED_COLUMNS: Readonly<Record<DialectName, Readonly<Record<string, ExpectedColumn>>>> = {
  postgres: {
    key: { type: 'text', isRequired: true },
    owner: { type: 'text', isRequired: false },
    attempt: { type: 'text', isRequired: false },
    token: { type: 'bigint', isRequired: true },
    expires_at: { type: 'bigint', isRequired: true },
    acquired_at: { type: 'bigint', isRequired: true },
    held_by: { type: 'text', isRequired: false },
    wanted: { type: 'boolean', isRequired: true },
    run_token: { type: 'bigint', ...OF_RUNS },
    run_started_at: { type: 'bigint', ...OF_RUNS },
    run_ended_at: { type: 'bigint', ...OF_RUNS },
    run_by: { type: 'text', ...OF_RUNS },
    run_failed: { type: 'boolean', ...OF_RUNS },
  },

  mysql: {
    key: { type: 'varbinary(1024)', isRequired: true },
    owner: { type: 'varbinary(255)', isRequired: false },
    attempt: { type: 'varbinary(255)', isRequired: false },
    token: { type: 'bigint', isRequired: true },
    expires_at: { type: 'bigint', isRequired: true },
    acquired_at: { type: 'bigint', isRequired: true },
    held_by: { type: 'varchar(255)', isRequired: false },
    wanted: { type: 'tinyint', isRequired: true },
    run_token: { type: 'bigint', ...OF_RUNS },
    run_started_at: { type: 'bigint', ...OF_RUNS },
    run_ended_at: { type: 'bigint', ...OF_RUNS },
    run_by: { type: 'varchar(255)', ...OF_RUNS },
    run_failed: { type: 'tinyint', ...OF_RUNS },
  },

  sqlite: {
    key: { type: 'text', isRequired: true },
    owner: { type: 'text', isRequired: false },
    attempt: { type: 'text', isRequired: false },
    token: { type: 'integer', isRequired: true },
    expires_at: { type: 'integer', isRequired: true },
    acquired_at: { type: 'integer', isRequired: true },
    held_by: { type: 'text', isRequired: false },
    wanted: { type: 'integer', isRequired: true },
    run_token: { type: 'integer', ...OF_RUNS },
    run_started_at: { type: 'integer', ...OF_RUNS },
    run_ended_at: { type: 'integer', ...OF_RUNS },
    run_by: { type: 'text', ...OF_RUNS },
    run_failed: { type: 'integer', ...OF_RUNS },
  },
}
