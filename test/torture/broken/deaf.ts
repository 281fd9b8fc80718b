import type { WakeSource } from '../../../src/index.ts'
import { changed } from './changed.ts'

/** It says that it hears, and does not. */
export function deaf(source: WakeSource): WakeSource {
  return changed(source, { subscribe: () => () => {}, isHearing: true })
}
