import type { BrokenBuild } from './broken-build.ts'

/** All broken builds. */
export const BROKEN_BUILDS: readonly BrokenBuild[] = []
