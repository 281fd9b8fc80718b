/** Turns one wording into another, in every statement that has it. */
export type Replacement = readonly [from: string | RegExp, to: string]

/** Changes the text of statements on their way to the driver. */
export function replaceSql(...replacements: readonly Replacement[]): (sql: string) => string {
  return (sql) => replacements.reduce((text, [from, to]) => text.replaceAll(globally(from), to), sql)
}

function globally(from: string | RegExp): string | RegExp {
  return typeof from === 'string' ? from : new RegExp(from.source, 'g')
}
