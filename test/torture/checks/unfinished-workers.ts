import type { Check } from '../evidence.ts'

/** Everybody who waits is served or told, and a factory closes. */
export const unfinishedWorkers: Check = {
  name: 'workers that did not finish',
  meaning:
    'a worker died by itself, or had not finished and closed everything within the bound after the last fault (G13)',
  find: ({ unfinished }) => [...unfinished],
}
