import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { REPOSITORY } from '../../scripts/repository.ts'

/** One fenced block of a page, with the directives of the HTML comment right before it. */
export interface CodeBlock {
  /** Path from the root of the repository. */
  readonly page: string
  /** Of the opening fence, from 1. */
  readonly line: number
  readonly language: string
  readonly code: string
  readonly directives: BlockDirectives
}

/** `<!-- run: postgres; file: locks.ts -->`: written in HTML comments, since readers of the page have no use for them. */
export interface BlockDirectives {
  /** The database that the block needs. Without it a block runs on SQLite or in memory. */
  readonly run?: 'postgres' | 'mysql' | 'sqlite'
  /** The block has this name in the page's folder, so that later blocks of the page can import it. */
  readonly file?: string
  /** SQL: the lock table is there, empty. */
  readonly with?: 'locks'
  /** Another file of the page that is loaded first, in the same process. */
  readonly after?: string
  /** A piece of that file of the repository, word for word, which has tests of its own. */
  readonly example?: string
  /** A fragment: its types are checked, it is not run. */
  readonly check?: true
}

const FENCE = /^```(\w*)\s*$/
const DIRECTIVE = /^<!-- ((?:run|file|after|check|example)\b.*) -->$/

/** Every fenced block of a page, in order. */
export function codeBlocksOf(page: string): CodeBlock[] {
  const lines = readFileSync(join(REPOSITORY, page), 'utf8').split('\n')
  const blocks: CodeBlock[] = []
  for (let at = 0; at < lines.length; at++) {
    const fence = FENCE.exec(lines[at]!)
    if (!fence) continue
    const end = lines.indexOf('```', at + 1)
    if (end < 0) throw new Error(`${page}:${at + 1}: the fence is never closed`)
    const code = `${lines.slice(at + 1, end).join('\n')}\n`
    blocks.push({ page, line: at + 1, language: fence[1]!, code, directives: directivesOf(lines[at - 1]) })
    at = end
  }
  return blocks
}

function directivesOf(line: string | undefined): BlockDirectives {
  const written = DIRECTIVE.exec(line ?? '')?.[1]
  const pairs = (written?.split(';') ?? []).map((one) => one.split(':').map((word) => word.trim()))
  return Object.fromEntries(pairs.map(([name, value]) => [name, value ?? true]))
}

/** The name that a block's file has in its page's folder. */
export function fileNameOf({ line, directives }: CodeBlock): string {
  return directives.file ?? `line-${line}.ts`
}

/**
 * What the block says it prints: the comments behind its `console.log` calls, `console.log(ran) // true`.
 * `undefined` when one of them has no such comment.
 */
export function expectedOutputOf({ code }: CodeBlock): string[] | undefined {
  const calls = code.split('\n').filter((line) => line.includes('console.log('))
  const comments = calls.map((line) => /console\.log\(.*\) \/\/ (.+)$/.exec(line)?.[1])
  return comments.every((comment) => comment !== undefined) ? comments : undefined
}
