/** A statement with one thing broken. */
export interface SqlMutant {
  readonly what: string
  readonly sql: string
}

/**
 * Every way to break a statement that the tests must notice: each condition taken out, each case told always and never, each `+ 1`, each arm
 * of a `greatest`, each value that is written, each `skip locked` and `nowait`. Placeholders stay, so that the values still fit.
 */
export function sqlMutants(sql: string): SqlMutant[] {
  return [
    ...[...conditions(sql), ...cases(sql), ...increments(sql), ...greatest(sql)],
    ...[...parities(sql), ...writtenMarks(sql), ...lockClauses(sql)],
  ]
}

/** `and (` and `where if(` open a group of which the first condition has no word of its own; so has SQLite's `is_held`. */
const BEFORE_CONDITION =
  /(?<=\s)(where if\(|and \(|where |and |or |on |(?<=free_in,\n +)(?! ))(?!conflict|duplicate|true\b|if\(|\()/g

/** Conditions stand on lines of their own, or inside parentheses: `where …`, `and …`, `or …`, `on …`. */
function conditions(sql: string): SqlMutant[] {
  return [...sql.matchAll(BEFORE_CONDITION)].flatMap((found) => {
    const start = found.index + found[0].length
    const condition = conditionAt(sql, start)
    if (condition === '') return []
    // Taken out of an `or`, a condition is one that never holds.
    const isOfOr = found[0] === 'or ' || found[0].endsWith('(')
    const without = isOfOr ? `(${condition} and 1 = 0)` : `(${condition} or 1 = 1)`
    return [{ what: `without: ${oneLine(found[0] + condition)}`, sql: replaceAt(sql, start, condition, without) }]
  })
}

/** From here to the end of the line, to the parenthesis that closes around it, or to a comma. */
function conditionAt(sql: string, start: number): string {
  let depth = 0
  for (let at = start; at < sql.length; at++) {
    const character = sql[at]
    if (character === '(') depth++
    if (character === ')' && --depth < 0) return sql.slice(start, at).trimEnd()
    const isOver = character === '\n' || character === ',' || sql.startsWith(' as ', at) || sql.startsWith(' then ', at)
    if (depth === 0 && isOver) return sql.slice(start, at)
  }
  return sql.slice(start)
}

/** `case when …`: its first condition. */
function cases(sql: string): SqlMutant[] {
  return [...sql.matchAll(/(?<=case when )[^\n]*?(?= and | then )/g)].flatMap(({ index, 0: condition }) =>
    ['1 = 0', '1 = 1'].map((constant) => ({
      what: `\`case when ${oneLine(condition)}\` is \`${constant}\``,
      sql: replaceAt(sql, index, condition, `(${condition} ${constant === '1 = 0' ? 'and' : 'or'} ${constant})`),
    })),
  )
}

/** What tells by an odd number that a key is wanted. */
function parities(sql: string): SqlMutant[] {
  return [...sql.matchAll(/ % 2/g)].map(({ index, 0: found }) => ({
    what: '`% 2` is `% 1`',
    sql: replaceAt(sql, index, found, ' % 1'),
  }))
}

/** `wanted = true`: a mark that is not made. */
function writtenMarks(sql: string): SqlMutant[] {
  return [...sql.matchAll(/(?<=set (?:\w+\.)?wanted = )(true|1|if\(.*\))(?=\n|$)/g)].map(({ index, 0: found }) => ({
    what: `\`wanted = ${found}\` leaves it as it is`,
    sql: replaceAt(
      sql,
      index,
      found,
      found.startsWith('if(') ? found.replace('true, false', 'wanted, wanted') : 'wanted',
    ),
  }))
}

function increments(sql: string): SqlMutant[] {
  return [...sql.matchAll(/\+ 1\b/g)].map(({ index }) => ({
    what: '`+ 1` is `+ 0`',
    sql: replaceAt(sql, index, '+ 1', '+ 0'),
  }))
}

function greatest(sql: string): SqlMutant[] {
  return [...sql.matchAll(/\b(greatest|max)\(/g)].flatMap(({ index, 0: call }) => {
    const inside = conditionOrAll(sql, index + call.length)
    const [first = '', second = ''] = splitArguments(inside)
    const whole = `${call}${inside})`
    return [first, second].map((kept) => ({
      what: `\`${oneLine(whole).slice(0, 40)}…\` is only \`${oneLine(kept).slice(0, 40)}\``,
      sql: replaceAt(sql, index, whole, kept),
    }))
  })
}

/** What is inside the parenthesis that has just been opened. */
function conditionOrAll(sql: string, start: number): string {
  let depth = 0
  for (let at = start; at < sql.length; at++) {
    if (sql[at] === '(') depth++
    if (sql[at] === ')' && --depth < 0) return sql.slice(start, at)
  }
  return sql.slice(start)
}

function splitArguments(inside: string): string[] {
  let depth = 0
  for (let at = 0; at < inside.length; at++) {
    if (inside[at] === '(') depth++
    if (inside[at] === ')') depth--
    if (inside[at] === ',' && depth === 0) return [inside.slice(0, at), inside.slice(at + 1)]
  }
  return [inside]
}

function lockClauses(sql: string): SqlMutant[] {
  return [...sql.matchAll(/ (skip locked|nowait)/g)].map(({ index, 0: clause }) => ({
    what: `without:${clause}`,
    sql: replaceAt(sql, index, clause, ''),
  }))
}

function replaceAt(sql: string, index: number, from: string, to: string): string {
  return sql.slice(0, index) + to + sql.slice(index + from.length)
}

function oneLine(text: string): string {
  return text.replace(/\s+/g, ' ').trim()
}
