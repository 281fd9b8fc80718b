/** Prints one line of JSON, for machines: several of them are a list that can be as long as it likes (https://jsonlines.org). */
export function printJson(value: unknown): void {
  process.stdout.write(`${JSON.stringify(value)}\n`)
}
