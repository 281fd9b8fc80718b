/** Tells something beside the answer: on standard error, so that the answer can be piped. */
export function printNote(text: string): void {
  process.stderr.write(`verrou: ${text}\n`)
}
