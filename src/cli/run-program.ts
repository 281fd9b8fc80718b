import { EXIT_CODES } from './exit-codes.ts'
import { failureOf } from './failure.ts'
import { answeredWith, createProgram } from './program.ts'

/**
 * Runs a command line to its end, and tells of its failure on standard error: in one line, or as JSON where `--json` was asked for.
 *
 * @param args without the program itself
 * @returns the exit code
 */
export async function runProgram(args: readonly string[]): Promise<number> {
  process.exitCode = undefined
  try {
    await createProgram().parseAsync(args, { from: 'user' })
    return Number(process.exitCode ?? EXIT_CODES.OK.code)
  } catch (error) {
    return answeredWith(error) ?? fail(error, args)
  }
}

/** @returns the exit code */
function fail(error: unknown, args: readonly string[]): number {
  const { exit, message, code } = failureOf(error)
  const { code: exitCode } = EXIT_CODES[exit]
  const isForMachines = args.includes('--json')
  const line = isForMachines
    ? JSON.stringify({ error: { code: code ?? exit, message, exitCode } })
    : `verrou: ${message}`
  process.stderr.write(`${line}\n`)
  if (process.env.VERROU_DEBUG) console.error(error)
  return exitCode
}
