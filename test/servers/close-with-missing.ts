import { styleText } from 'node:util'
import { notRunLines } from './not-run.ts'
import type { MissingServer } from './start-servers.ts'

/**
 * The last words of a test run: the databases it went without, so that a green run is never mistaken for a complete one.
 * In CI, and where TEST_DATABASES asked for them by name, going without fails the run.
 */
export function closeWithMissing(missing: readonly MissingServer[], isExplicit: boolean): void {
  if (missing.length === 0) return

  const isFailure = isExplicit || isCi()
  const verdict = isFailure ? ['The run fails for want of them: this is CI, or TEST_DATABASES names them.'] : []
  const block = ['', ...notRunLines(missing), ...verdict, ''].join('\n')
  // On standard error and not through a reporter: --reporter replaces reporters, and standard output may be somebody's JSON.
  console.error(styleText(['bold', 'yellow'], block, { stream: process.stderr }))
  if (isFailure) process.exitCode = 1
}

function isCi(): boolean {
  return !['', '0', 'false'].includes(process.env.CI ?? '')
}
