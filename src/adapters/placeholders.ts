/** Our text with `?` for `$1`, `$2`, …: for libraries that number the placeholders themselves. Each occurs once, in order. */
export function withQuestionMarks(sql: string): string {
  return sql.replaceAll(/\$\d+/g, '?')
}

/** Our text with `$1`, `$2`, … for `?`: for libraries whose own placeholders are numbered on every database. */
export function withNumbers(sql: string): string {
  let count = 0
  return sql.replaceAll('?', () => `$${++count}`)
}
