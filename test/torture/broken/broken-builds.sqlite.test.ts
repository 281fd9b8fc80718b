import { test } from 'vitest'
import { isSelected } from '../../servers/selection.ts'
import { startSqlite } from '../databases/sqlite.ts'
import { catchBrokenBuilds } from './catch-broken-builds.ts'

if (isSelected('sqlite')) catchBrokenBuilds('sqlite', startSqlite)

test.runIf(!isSelected('sqlite'))('nothing to test: the database is not selected', () => {})
