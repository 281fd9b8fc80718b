import { driverText } from '../../dialects/error-codes.ts'

/** What went wrong, in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  const { message, code } = error as NodeJS.ErrnoException
  // A host with several addresses, none of which answers, has no message of its own.
  return driverText(message || code || error.name).split('\n')[0] as string
}
