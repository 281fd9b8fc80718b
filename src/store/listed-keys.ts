import { LIST_PAGE } from '../dialects/dialect.ts'
import { numberOf } from '../dialects/numbers.ts'
import type { Answer, StatementInput } from '../statement.ts'
import { listedKeyOf } from './lease-state.ts'
import type { ListedKeys, ListLook } from './lock-store.ts'

/** The values of the statement: also from where the keys that are wanted can begin. */
export function listInput(look: ListLook): Partial<StatementInput> {
  const { afterKey, prefix } = look
  const isBehind = Buffer.compare(Buffer.from(afterKey), Buffer.from(prefix)) > 0
  return { ...look, fromKey: isBehind ? afterKey : prefix }
}

/** What a look brought back: what is listed, and the last row that it went through. */
export function listedKeysOf({ rows }: Answer, { prefix, limit }: ListLook): ListedKeys {
  const listed = rows.filter((row) => Number(row.is_listed) === 1).slice(0, limit)
  const keys = listed.map(listedKeyOf)
  const isCut = keys.length === limit
  const lastKey = isCut ? keys.at(-1)?.key : goesOn(rows.at(-1), prefix)
  return { keys, lastKey: lastKey ?? null }
}

/** The last key of a whole page, if there can be more with that prefix behind it: keys behind the prefix do not begin with it. */
function goesOn(last: Answer['rows'][number] | undefined, prefix: string): string | undefined {
  if (!last || numberOf(last.looked) < LIST_PAGE) return undefined
  const key = String(last.key)
  return key.startsWith(prefix) ? key : undefined
}
