import { describe } from 'vitest'
import type { ContractBackend } from '../support/contract-backend.ts'
import { election } from './election.ts'
import { fencing } from './fencing.ts'
import { handingOver } from './handing-over.ts'
import { keepingAlive } from './keeping-alive.ts'
import { keys } from './keys.ts'
import { knownOutcome } from './known-outcome.ts'
import { leases } from './leases.ts'
import { oncePerPeriod } from './once-per-period.ts'
import { overview } from './overview.ts'
import { pruning } from './pruning.ts'
import { renewingMany } from './renewing-many.ts'
import { runAndHold } from './run-and-hold.ts'
import { runRecords } from './run-records.ts'
import { sharing } from './sharing.ts'
import { suiteContext } from './suite-context.ts'
import { usagePage } from './usage-page.ts'
import { waiting } from './waiting.ts'

/** Everything that a store promises, as tests named by what they promise. */
export function contract(backend: ContractBackend): void {
  describe(backend.name, () => {
    const context = suiteContext(backend)
    describe('G1 exclusion', () => leases(context))
    describe('G2 fencing', () => fencing(context))
    describe('G6 known outcome', () => knownOutcome(context))
    describe('G12 keys are bytes', () => keys(context))
    describe('G13 liveness', () => waiting(context))
    describe('what processes share', () => sharing(context))
    describe('renewing many', () => renewingMany(context))
    describe('the overview', () => overview(context))
    describe('pruning', () => pruning(context))
    describe('run records', () => runRecords(context))
    describe('run and hold', () => runAndHold(context))
    describe('keep-alive', () => keepingAlive(context))
    describe('once per period', () => oncePerPeriod(context))
    describe('leader election', () => election(context))
    describe.skipIf(backend.hasPresence)('serialize and restore', () => handingOver(context))
    describe('the usage page', () => usagePage(context))
  })
}
