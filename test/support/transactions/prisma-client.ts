import { execFile } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { promisify } from 'node:util'
import type { SqlDriverAdapterFactory } from '@prisma/client/runtime/client'
import { REPOSITORY } from '../../../scripts/repository.ts'
import type { PrismaTransactionLike } from '../../../src/adapters/prisma.ts'

/** The kinds of database that Prisma generates a client for. */
export type PrismaProvider = 'postgresql' | 'mysql' | 'sqlite'

/**
 * What is used of a generated client. Its own types do not exist before it is generated; that they fit our adapter is a
 * test.
 */
export interface PrismaClientLike extends PrismaTransactionLike {
  $connect(): Promise<void>
  $disconnect(): Promise<void>
  $extends(extension: object): PrismaClientLike
  $transaction<Result>(
    callback: (tx: PrismaTransactionLike) => Promise<Result>,
    options?: { isolationLevel?: string; timeout?: number; maxWait?: number },
  ): Promise<Result>
}

/** The class of a client without models. */
export async function prismaClient(
  provider: PrismaProvider,
): Promise<new (options: { adapter: SqlDriverAdapterFactory }) => PrismaClientLike> {
  const { PrismaClient } = await import(pathToFileURL(join(await generateClient(provider), 'client.ts')).href)
  return PrismaClient
}

const require = createRequire(import.meta.url)

/** Generates the client's code, once per checkout and version of Prisma, and returns its folder. */
export async function generateClient(provider: PrismaProvider): Promise<string> {
  const { version } = JSON.parse(readFileSync(require.resolve('prisma/package.json'), 'utf8'))
  const parent = join(REPOSITORY, '.cache/prisma')
  const folder = join(parent, `${provider}-${version}`)
  if (existsSync(folder)) return folder

  mkdirSync(parent, { recursive: true })
  const draft = mkdtempSync(join(parent, `${provider}-draft-`))
  try {
    const schema = join(draft, 'schema.prisma')
    writeFileSync(schema, schemaFor(provider))
    const args = [require.resolve('prisma/build/index.js'), 'generate', '--schema', schema, '--no-hints']
    // Prisma would download an engine that only its migrations need, unless it is told of one.
    const env = { ...process.env, PRISMA_SCHEMA_ENGINE_BINARY: process.execPath, CHECKPOINT_DISABLE: '1' }
    await promisify(execFile)(process.execPath, args, { cwd: draft, env })
    moveUnlessThere(join(draft, 'generated'), folder)
  } finally {
    rmSync(draft, { recursive: true, force: true })
  }
  return folder
}

function schemaFor(provider: PrismaProvider): string {
  return `
generator client {
  provider               = "prisma-client"
  output                 = "./generated"
  runtime                = "nodejs"
  moduleFormat           = "esm"
  generatedFileExtension = "ts"
  importFileExtension    = "ts"
}

datasource db {
  provider = "${provider}"
}
`
}

/** Another test file may have been faster: a whole folder appears at once, or not at all. */
function moveUnlessThere(from: string, to: string): void {
  try {
    renameSync(from, to)
  } catch (error) {
    if (!existsSync(to)) throw error
  }
}
