// Locks that end with a connection: with presence, the whole contract.
import '../contract.presence.test.ts'
import '../session-locks.test.ts'
