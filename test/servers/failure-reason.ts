const MAX_LINES = 3

/** One line that says why something could not be had. */
export function failureReason(error: unknown): string {
  const { message, code, stderr, cause } = error as {
    message?: string
    code?: string
    stderr?: string
    cause?: unknown
  }
  // A command's own words say more than "Command failed", and their end more than their beginning.
  const text = stderr?.trim() || message || code || String(error)
  const line = text.trim().split('\n').slice(-MAX_LINES).join(' ')
  return cause ? `${line} (${failureReason(cause)})` : line
}
