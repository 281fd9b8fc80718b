import { globSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import ts from 'typescript-5'
import { describe, expect, test } from 'vitest'
import { type PublicSymbol, readPublicSurface } from '../scripts/public-surface.ts'
import { REPOSITORY } from '../scripts/repository.ts'
import { apiFiles } from '../scripts/write-api.ts'
import { CATALOGUE, type LockErrorCode } from '../src/errors.ts'
import { nodesIn, readSourceFiles } from './support/source-files.ts'

const SURFACE = readPublicSurface()
const CODES = Object.keys(CATALOGUE) as LockErrorCode[]

/** Every symbol once, however many entry points export it. */
const SYMBOLS = [
  ...new Map(SURFACE.entryPoints.flatMap(({ symbols }) => symbols).map((one) => [one.symbol, one])).values(),
]

/** Methods that call what throws, and handle it themselves. */
const NEVER_THROW = [
  'LockFactory.close',
  'LockFactory.[Symbol.asyncDispose]',
  'Verrou.close',
  'Verrou.[Symbol.asyncDispose]',
]

test('api.md is current', () => {
  // When this fails, the public API has changed. If that is what you want: npm run generate, and a line in CHANGELOG.md.
  for (const [path, text] of apiFiles(SURFACE)) expect(readFileSync(join(REPOSITORY, path), 'utf8')).toBe(text)
})

describe('the documentation of the public API', () => {
  test('says something about every symbol', () => {
    expect(SYMBOLS.filter(({ symbol }) => !isDocumented(symbol)).map(({ name }) => name)).toEqual([])
  })

  test('says something about every member of a class or an interface', () => {
    const silent = SYMBOLS.flatMap((one) => membersOf(one).filter(({ symbol }) => !isDocumented(symbol)))
    expect(silent.map(({ name }) => name)).toEqual([])
  })

  test('tells what can be thrown by whatever can throw', () => {
    const callables = SYMBOLS.flatMap((one) => [one, ...membersOf(one)])
    const silent = callables.filter(
      ({ name, declaration }) => canThrow(declaration) && !NEVER_THROW.includes(name) && !saysWhatItThrows(declaration),
    )
    expect(silent.map(({ name }) => name)).toEqual([])
  })

  test('names no type of ours that cannot be imported', () => {
    expect([...new Set(SYMBOLS.flatMap(privateTypesNamedBy))]).toEqual([])
  })
})

describe('the declarations that are published', () => {
  // `stripInternal` takes a whole declaration away when any comment before it contains the tag.
  test('keep every constructor that users call', () => {
    const withConstructor = SYMBOLS.filter(({ declaration }) => constructorOf(declaration)).map(({ name }) => name)
    const lost = SYMBOLS.filter(({ symbol, declaration }) => {
      const statements = SURFACE.published.get(declaration.getSourceFile().fileName)?.statements ?? []
      const published = statements.find((one) => ts.isClassDeclaration(one) && one.name?.text === symbol.name)
      return withConstructor.includes(symbol.name) && !(published && constructorOf(published))
    })
    // Locks, holds and a transaction's locks are made by the library only.
    expect(lost.map(({ name }) => name).sort()).toEqual([
      'Hold',
      'Lock',
      'SessionHold',
      'SessionLock',
      'TransactionLocks',
    ])
  })
})

describe('every error code', () => {
  test('is in the documentation of what throws it', () => {
    const documentation = readSourceFiles().flatMap(({ text }) => text.match(/\/\*\*.*?\*\//gs) ?? [])
    const thrown = documentation.flatMap((comment) => comment.split('@throws').slice(1)).join('\n')
    expect(CODES.filter((code) => !thrown.includes(code))).toEqual([])
  })

  test('is asserted by a test', () => {
    const paths = globSync('**/*.ts', { cwd: join(REPOSITORY, 'test') })
    const tests = paths.map((path) => readFileSync(join(REPOSITORY, 'test', path), 'utf8')).join('\n')
    expect(CODES.filter((code) => !tests.includes(code))).toEqual([])
  })
})

interface Member {
  /** `Lock.acquire` */
  readonly name: string
  readonly symbol: ts.Symbol
  readonly declaration: ts.Declaration
}

/** What users can reach on a class or an interface. */
function membersOf({ name, declaration }: PublicSymbol): Member[] {
  if (!ts.isClassDeclaration(declaration) && !ts.isInterfaceDeclaration(declaration)) return []
  const members = [...declaration.members].filter((member) => isPublic(member) && !isBehindOverloads(member))
  return members.map((member) => {
    // Constructors, and `new (…)` in an interface, have no name.
    const symbol = (member as unknown as { symbol: ts.Symbol }).symbol
    return { name: `${name}.${member.name?.getText() ?? 'constructor'}`, symbol, declaration: member }
  })
}

function isPublic(member: ts.ClassElement | ts.TypeElement): boolean {
  if (member.name && ts.isPrivateIdentifier(member.name)) return false
  const isHidden = ts.getCombinedModifierFlags(member) & (ts.ModifierFlags.Private | ts.ModifierFlags.Protected)
  return !isHidden && !ts.getJSDocTags(member).some(({ tagName }) => tagName.text === 'internal')
}

/** Of a constructor or method with overloads, users see these only. */
function isBehindOverloads(member: ts.ClassElement | ts.TypeElement): boolean {
  if (!(ts.isConstructorDeclaration(member) || ts.isMethodDeclaration(member)) || !member.body) return false
  const isSame = (other: ts.ClassElement) =>
    other.kind === member.kind && other.name?.getText() === member.name?.getText()
  return (member.parent as ts.ClassDeclaration).members.some(
    (other) => isSame(other) && !('body' in other && other.body),
  )
}

function isDocumented(symbol: ts.Symbol): boolean {
  return symbol.getDocumentationComment(SURFACE.checker).length > 0
}

function saysWhatItThrows(declaration: ts.Declaration): boolean {
  const comments = ts.getJSDocCommentsAndTags(declaration)
  const text = comments.map((comment) => comment.getFullText()).join('\n')
  return /@throws/.test(text) || /\b[Ll]ike \{@link|see \{@link/.test(text)
}

/** Whether the body, or that of any function of ours that it calls, contains a `throw`. */
function canThrow(declaration: ts.Node, seen = new Set<ts.Node>()): boolean {
  if (seen.has(declaration) || !ts.isFunctionLike(declaration)) return false
  seen.add(declaration)
  const body = (declaration as ts.FunctionLikeDeclaration).body
  if (!body || !declaration.getSourceFile().fileName.startsWith(REPOSITORY)) return false
  return [body, ...nodesIn(body)].some(
    (node) => ts.isThrowStatement(node) || (isCall(node) && canThrow(calledBy(node), seen)),
  )
}

function isCall(node: ts.Node): node is ts.CallExpression | ts.NewExpression {
  return ts.isCallExpression(node) || ts.isNewExpression(node)
}

function calledBy(call: ts.CallExpression | ts.NewExpression): ts.Node {
  return SURFACE.checker.getResolvedSignature(call)?.declaration ?? call
}

function constructorOf(declaration: ts.Node): ts.Node | undefined {
  return ts.isClassDeclaration(declaration) ? declaration.members.find(ts.isConstructorDeclaration) : undefined
}

/** Types of ours in what is published of a symbol that no entry point exports. */
function privateTypesNamedBy({ symbol, declaration }: PublicSymbol): string[] {
  const statements = SURFACE.published.get(declaration.getSourceFile().fileName)?.statements ?? []
  const statement = statements.find((one) => (one as { name?: ts.Identifier }).name?.text === symbol.name)
  if (!statement) return []
  const named = [...nodesIn(statement)].filter(
    (node) => ts.isTypeReferenceNode(node) || ts.isExpressionWithTypeArguments(node),
  )
  const names = named.map((node) => (ts.isTypeReferenceNode(node) ? node.typeName : node.expression).getText())
  return names.filter((name) => OUR_TYPES.has(name) && !SYMBOLS.some((one) => one.symbol.name === name))
}

/** The names of all classes, interfaces and types of the library. */
const OUR_TYPES: ReadonlySet<string> = new Set(
  readSourceFiles().flatMap(({ syntax }) =>
    syntax.statements
      .filter((one) => ts.isInterfaceDeclaration(one) || ts.isTypeAliasDeclaration(one) || ts.isClassDeclaration(one))
      .map((one) => one.name?.text ?? ''),
  ),
)
