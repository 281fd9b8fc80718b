import type { WakeSource } from '../../../src/index.ts'
import { changed } from './changed.ts'

/** It says that it hears, and tells nobody. */
export function deaf(source: WakeSource): WakeSource {
  return changed(source, { subscribe: (key) => source.subscribe(key, () => {}), isHearing: true })
}
