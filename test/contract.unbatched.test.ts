import { test } from 'vitest'
import { contract } from './suite/contract.ts'
import { unbatchedBackends } from './support/contract-backends.ts'

const BACKENDS = unbatchedBackends()

for (const backend of BACKENDS) contract(backend)

test.runIf(BACKENDS.length === 0)('nothing to test: no database of this file is selected', () => {})
