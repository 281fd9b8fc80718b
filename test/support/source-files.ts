import { globSync, readFileSync } from 'node:fs'
import { join, relative, sep } from 'node:path'
// TypeScript 7 has no compiler API yet; 5.9 reads the same language.
import ts from 'typescript-5'
import { REPOSITORY } from '../../scripts/repository.ts'

const SOURCE_FOLDER = join(REPOSITORY, 'src')

/** One file of `src`, parsed. */
export interface SourceFile {
  /** Relative to `src`, with slashes: `engine/acquire.ts`. */
  readonly path: string
  readonly text: string
  readonly syntax: ts.SourceFile
}

/** Every file of `src`. */
export function readSourceFiles(): SourceFile[] {
  return globSync('**/*.ts', { cwd: SOURCE_FOLDER })
    .map((path) => path.split(sep).join('/'))
    .sort()
    .map(readSourceFile)
}

function readSourceFile(path: string): SourceFile {
  const text = readFileSync(join(SOURCE_FOLDER, path), 'utf8')
  return { path, text, syntax: ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true) }
}

/** What a file imports or re-exports, types included: packages by name, files of `src` by their path in it. */
export function importsOf({ path, text }: SourceFile): string[] {
  const { importedFiles } = ts.preProcessFile(text, true, true)
  return importedFiles.map(({ fileName }) => {
    if (!fileName.startsWith('.')) return fileName
    return relative(SOURCE_FOLDER, join(SOURCE_FOLDER, path, '..', fileName))
      .split(sep)
      .join('/')
  })
}

/** All nodes below a node, depth first. */
export function* nodesIn(node: ts.Node): Generator<ts.Node> {
  for (const child of childrenOf(node)) {
    yield child
    yield* nodesIn(child)
  }
}

function childrenOf(node: ts.Node): ts.Node[] {
  const children: ts.Node[] = []
  ts.forEachChild(node, (child) => {
    children.push(child)
  })
  return children
}

/** How many lines of a node say something to the computer: without comments and empty lines. */
export function codeLinesOf(node: ts.Node): number {
  const source = node.getSourceFile()
  const lines = new Set<number>()
  for (const token of nodesIn(node)) {
    if (token.getChildCount(source) > 0) continue
    const first = source.getLineAndCharacterOfPosition(token.getStart(source)).line
    const last = source.getLineAndCharacterOfPosition(token.getEnd()).line
    for (let line = first; line <= last; line++) lines.add(line)
  }
  return lines.size
}
