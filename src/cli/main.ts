#!/usr/bin/env node
import './refuse-old-node.ts'
import { constants } from 'node:os'
import { EXIT_CODES, exitCodeOfSignal } from './exit-codes.ts'
import { runProgram } from './run-program.ts'

// Who reads our output has gone, as after `verrou ls | head -1`: nobody is left to tell, so this ends as other programs do.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodeOfSignal(constants.signals.SIGPIPE) : EXIT_CODES.UNAVAILABLE.code)
})
process.stderr.on('error', () => {})

const exitCode = await runProgram(process.argv.slice(2))
await written(process.stdout)
// Not before: a driver may keep a connection or a timer for itself, but the command is done.
process.exit(exitCode)

/** Pipes of Windows are written to in the background. */
function written(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
