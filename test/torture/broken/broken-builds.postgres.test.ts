import { test } from 'vitest'
import { isSelected } from '../../servers/selection.ts'
import { startPostgresNewest } from '../databases/postgres.ts'
import { catchBrokenBuilds } from './catch-broken-builds.ts'

if (isSelected('postgres-18')) catchBrokenBuilds('postgres', startPostgresNewest)

test.runIf(!isSelected('postgres-18'))('nothing to test: the database is not selected', () => {})
