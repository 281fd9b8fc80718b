#!/usr/bin/env node
import './refuse-old-node.ts'
import { constants } from 'node:os'
import { EXIT_CODES, exitCodeOfSignal } from './exit-codes.ts'
import { failureOf } from './failure.ts'
import { answeredWith, createProgram } from './program.ts'

// Who reads our output has gone, as after `verrou ls | head -1`: nobody is left to tell, so this ends as other programs do.
process.stdout.on('error', (error: NodeJS.ErrnoException) => {
  process.exit(error.code === 'EPIPE' ? exitCodeOfSignal(constants.signals.SIGPIPE) : EXIT_CODES.UNAVAILABLE.code)
})
process.stderr.on('error', () => {})

const program = createProgram()
try {
  await program.parseAsync()
} catch (error) {
  process.exitCode = answeredWith(error) ?? fail(error)
}
await written(process.stdout)
// A driver may keep a connection or a timer for itself: the command is done.
process.exit()

/** @returns the exit code */
function fail(error: unknown): number {
  const { exit, message, code } = failureOf(error)
  const { code: exitCode } = EXIT_CODES[exit]
  const isForMachines = process.argv.includes('--json')
  const line = isForMachines
    ? JSON.stringify({ error: { code: code ?? exit, message, exitCode } })
    : `verrou: ${message}`
  process.stderr.write(`${line}\n`)
  if (process.env.VERROU_DEBUG) console.error(error)
  return exitCode
}

/** Pipes of Windows are written to in the background. */
function written(stream: NodeJS.WritableStream): Promise<void> {
  return new Promise((resolve) => stream.write('', () => resolve()))
}
