import { contract } from './suite/contract.ts'
import { kyselyBackends } from './support/contract-backends.ts'

for (const backend of kyselyBackends()) contract(backend)
