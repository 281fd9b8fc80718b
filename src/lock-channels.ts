import { type Channel, channel } from 'node:diagnostics_channel'

/** What happens to locks that anybody may want to hear of. */
export const LOCK_EVENT_NAMES = [
  'waiting',
  'acquired',
  'refused',
  'failed',
  'extended',
  'released',
  'lost',
  'overrun',
  'handed-on',
  'released-by-force',
  'leaked',
  'wakeup-degraded',
  'wakeup-restored',
] as const

/** The name of an event. */
export type LockEventName = (typeof LOCK_EVENT_NAMES)[number]

/**
 * The channels of Node.js for those who listen from outside of the app, as monitoring agents do: `verrou-sql:acquired` and so on. All
 * copies of the library in a process share them. https://nodejs.org/api/diagnostics_channel.html
 */
export const LOCK_CHANNELS = Object.freeze(
  Object.fromEntries(LOCK_EVENT_NAMES.map((name) => [name, channel(`verrou-sql:${name}`)])),
) as { readonly [Name in LockEventName]: Channel }
