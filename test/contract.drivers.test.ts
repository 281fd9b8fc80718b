import { contract } from './suite/contract.ts'
import { directBackends } from './support/contract-backends.ts'

for (const backend of directBackends()) contract(backend)
