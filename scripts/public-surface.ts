import { readFileSync } from 'node:fs'
import { join } from 'node:path'
// TypeScript 7 has no compiler API yet; 5.9 reads the same language.
import ts from 'typescript-5'
import { REPOSITORY } from './repository.ts'

/** What users can import: the symbols of every entry point, as the compiler sees them. */
export interface PublicSurface {
  readonly checker: ts.TypeChecker
  readonly entryPoints: readonly EntryPoint[]
  /** The declarations that are published, by the path of the source file. */
  readonly published: ReadonlyMap<string, ts.SourceFile>
}

export interface EntryPoint {
  /** As in an import: `verrou-sql/drivers/pg`. */
  readonly specifier: string
  readonly symbols: readonly PublicSymbol[]
}

export interface PublicSymbol {
  readonly name: string
  readonly symbol: ts.Symbol
  /** Where it is declared, behind all re-exports. */
  readonly declaration: ts.Declaration
}

/** Reads the entry points of package.json with the settings of the build. */
export function readPublicSurface(): PublicSurface {
  const sources = entryPointSources()
  const program = ts.createProgram([...sources.values()], buildOptions())
  const checker = program.getTypeChecker()
  const entryPoints = [...sources].map(([specifier, file]) => ({
    specifier,
    symbols: symbolsOf(checker, program, file),
  }))
  return { checker, entryPoints, published: publishedDeclarations(program) }
}

function entryPointSources(): Map<string, string> {
  const { name, exports } = JSON.parse(readFileSync(join(REPOSITORY, 'package.json'), 'utf8')) as PackageJson
  const sources = new Map<string, string>()
  for (const [subpath, target] of Object.entries(exports)) {
    if (typeof target === 'string') continue
    const source = target.default.replace(/^\.\/dist\/(.*)\.js$/, '$1.ts')
    sources.set(subpath.replace('.', name), join(REPOSITORY, source))
  }
  return sources
}

interface PackageJson {
  name: string
  exports: Record<string, string | { default: string }>
}

function buildOptions(): ts.CompilerOptions {
  const { config } = ts.readConfigFile(join(REPOSITORY, 'tsconfig.build.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent(config, ts.sys, REPOSITORY)
  return { ...options, emitDeclarationOnly: true, noEmit: false }
}

function symbolsOf(checker: ts.TypeChecker, program: ts.Program, file: string): PublicSymbol[] {
  const module = checker.getSymbolAtLocation(program.getSourceFile(file)!)!
  return checker.getExportsOfModule(module).map((exported) => {
    const symbol = exported.flags & ts.SymbolFlags.Alias ? checker.getAliasedSymbol(exported) : exported
    return { name: exported.name, symbol, declaration: symbol.declarations![0]! }
  })
}

function publishedDeclarations(program: ts.Program): Map<string, ts.SourceFile> {
  const published = new Map<string, ts.SourceFile>()
  program.emit(undefined, (path, text, _bom, _onError, [source] = []) => {
    if (!source) return
    published.set(source.fileName, ts.createSourceFile(path, text, ts.ScriptTarget.Latest, true))
  })
  return published
}

const EXPANDED = ts.TypeFormatFlags.NoTruncation | ts.TypeFormatFlags.InTypeAlias

/** The published declaration of a symbol as text, without comments. */
export function publishedText({ checker, published }: PublicSurface, { declaration, symbol }: PublicSymbol): string {
  // The keys of a value say nothing without the value.
  if (ts.isTypeAliasDeclaration(declaration) && ts.isTypeOperatorNode(declaration.type)) {
    const type = checker.typeToString(checker.getTypeAtLocation(declaration), undefined, EXPANDED)
    return `type ${symbol.name} = ${type.replaceAll('"', "'").replaceAll(/(^| \| )(?=')/g, '\n  | ')};`
  }
  const file = published.get(declaration.getSourceFile().fileName)
  const statement = file?.statements.find((one) => declaredNamesIn(one).includes(symbol.name))
  if (!file || !statement) throw new Error(`${symbol.name} is not in the published declarations`)
  const printer = ts.createPrinter({ removeComments: true, newLine: ts.NewLineKind.LineFeed })
  return printer
    .printNode(ts.EmitHint.Unspecified, statement, file)
    .replace(/^export (declare )?/, '')
    .replaceAll(/^ +/gm, (indent) => ' '.repeat(indent.length / 2))
    .replaceAll(/^ *#private;\n/gm, '')
}

function declaredNamesIn(statement: ts.Statement): string[] {
  if (ts.isVariableStatement(statement)) return statement.declarationList.declarations.map(({ name }) => name.getText())
  const { name } = statement as ts.Statement & { name?: ts.Identifier }
  return name ? [name.text] : []
}
