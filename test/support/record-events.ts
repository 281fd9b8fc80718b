import type { LockEvents, LockFactory } from '../../src/index.ts'
import { LOCK_EVENT_NAMES } from '../../src/lock-channels.ts'

/** An event as it was told, with its name. */
export type Told = {
  [Name in keyof LockEvents]: { readonly name: Name; readonly event: LockEvents[Name] }
}[keyof LockEvents]

/** Everything that is told from here on, in order. */
export class RecordedEvents {
  readonly all: Told[] = []
  readonly #ends: (() => void)[]

  constructor(locks: Pick<LockFactory, 'on'>, names: readonly (keyof LockEvents)[] = LOCK_EVENT_NAMES) {
    this.#ends = names.map((name) => locks.on(name, (event) => this.all.push({ name, event } as Told)))
  }

  /** The events of a name, of one key if that is given. */
  of<Name extends keyof LockEvents>(name: Name, key?: string): LockEvents[Name][] {
    const events = this.all.filter((told) => told.name === name).map(({ event }) => event as LockEvents[Name])
    return events.filter((event) => key === undefined || ('key' in event && event.key === key))
  }

  /** The names of what was told of a key, in order. */
  namesOf(key: string): string[] {
    return this.all.filter(({ event }) => 'key' in event && event.key === key).map(({ name }) => name)
  }

  end(): void {
    for (const end of this.#ends) end()
  }
}
