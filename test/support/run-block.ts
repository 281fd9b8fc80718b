import { spawn } from 'node:child_process'
import { writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { type CodeBlock, expectedOutputOf, fileNameOf } from './code-blocks.ts'

/** A block that has not ended by then has left a connection or a timer open, also where much else is running. */
const LONGEST_MS = 40_000

/**
 * Runs a TypeScript or JavaScript block as an ES module in a folder where `verrou-sql` can be imported: an installed
 * package, or the sources. Fails when the block throws, does not end, or prints something else than its comments say.
 *
 * @returns what it printed
 */
export async function runBlock(block: CodeBlock, projectFolder: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const file = fileNameOf(block)
  writeFileSync(join(projectFolder, file), block.code)
  const { after } = block.directives
  const preload = after === undefined ? [] : ['--import', `./${after}`]
  const printed = await outputOf([process.execPath, ...preload, file], projectFolder, env)

  const expected = expectedOutputOf(block)?.join('\n')
  if (expected !== undefined && printed.trimEnd() !== expected) {
    throw new Error(`${block.page}:${block.line} should print\n${expected}\nbut printed\n${printed}`)
  }
  return printed
}

/** Runs the lines of a shell block in the folder, with the programs of this process's own Node.js first. */
export async function runShell(block: CodeBlock, projectFolder: string, env: NodeJS.ProcessEnv = {}): Promise<string> {
  const path = `${dirname(process.execPath)}:${process.env.PATH}`
  return await outputOf(['sh', '-e', '-c', block.code], projectFolder, { ...env, PATH: path })
}

function outputOf([program, ...args]: string[], folder: string, env: NodeJS.ProcessEnv): Promise<string> {
  return new Promise((resolve, reject) => {
    const child = spawn(program!, args, {
      cwd: folder,
      // Vitest's own variables would change what Node.js prints.
      env: { PATH: process.env.PATH, HOME: process.env.HOME, ...env },
      stdio: ['ignore', 'pipe', 'pipe'],
      timeout: LONGEST_MS,
    })
    let printed = ''
    let complaints = ''
    child.stdout.on('data', (chunk) => (printed += chunk))
    child.stderr.on('data', (chunk) => (complaints += chunk))
    child.on('error', reject)
    child.on('close', (code, signal) => {
      if (code === 0) resolve(printed)
      else reject(new Error(`ended with ${signal ?? code}\n${printed}${complaints}`))
    })
  })
}
