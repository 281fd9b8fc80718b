/** What went wrong, in one line. */
export function reasonOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // A host with several addresses, none of which answers, is an AggregateError without a message of its own.
  const reason = error.message || (error as NodeJS.ErrnoException).code || error.name
  return reason.split('\n')[0]!
}
