import { contract } from '../suite/contract.ts'
import { bunSqliteBackend } from './bun-sqlite-backend.ts'

contract(bunSqliteBackend)
