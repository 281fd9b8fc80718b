import { expect, test } from 'vitest'
import { contract } from '../suite/contract.ts'
import { tableBackends } from '../support/contract-backends.ts'

test('these tests run where they should', () => {
  expect(Object.keys(process.versions)).toContain(process.env.VERROU_TEST_RUNTIME)
})

for (const backend of tableBackends()) contract(backend)
