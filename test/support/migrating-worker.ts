// node migrating-worker.ts ADDRESS-JSON
import { migrateToLatest } from '../../src/schema/migrations.ts'
import { openAddress } from './open-address.ts'

const table = JSON.parse(process.argv[2] ?? '')
const opened = await openAddress(table)
await migrateToLatest(opened.db, { tableName: table.tableName })
await opened.close()
