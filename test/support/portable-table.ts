import { codeBlocksOf } from './code-blocks.ts'

const PAGE = 'docs/databases.md'

/** The table that readers make by hand where our migration cannot, under another name. */
export function portableTable(tableName: string): string {
  const block = codeBlocksOf(PAGE).find(({ code }) => code.startsWith('create table verrou_locks ('))
  if (!block) throw new Error(`${PAGE} has no table`)
  return block.code.replace('verrou_locks', tableName)
}
