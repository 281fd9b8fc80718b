import { test } from 'vitest'
import { contract } from '../suite/contract.ts'
import { BACKENDS } from '../support/backends.ts'
import { roleBackend } from '../support/role.ts'

const servers = BACKENDS.filter(({ family }) => family === 'postgres')
for (const server of servers) contract(roleBackend(server))

test.runIf(servers.length === 0)('nothing to test: no database of this file is selected', () => {})
