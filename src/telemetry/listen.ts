import type { LockEvents } from '../locks/lock-events.ts'

/** How the parts of the telemetry listen: all that they have begun ends together. */
export type Listen = <Name extends keyof LockEvents>(name: Name, listener: (event: LockEvents[Name]) => void) => void
