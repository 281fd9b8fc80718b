import { execFile } from 'node:child_process'
import { cpSync, mkdirSync, mkdtempSync, symlinkSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { promisify } from 'node:util'
import { REPOSITORY } from '../../scripts/repository.ts'
import { installedProject } from './packed-package.ts'
import { type RunningChild, startProgram } from './running-child.ts'

/** What the examples use beside the package and its databases. */
const FRAMEWORKS = ['@nestjs', 'fastify', 'fastify-plugin', 'reflect-metadata', 'rxjs']

/** An example of several files, as a user would have it: in a folder with the installed package. */
export interface FrameworkApp {
  readonly folder: string
  /** Starts the server. @returns it, and its address */
  start(env: NodeJS.ProcessEnv): Promise<{ server: RunningChild; address: string }>
}

/** The Fastify example, whose types Node.js leaves out itself. */
export async function fastifyApp(): Promise<FrameworkApp> {
  return appIn(await copied('fastify'), 'server.ts')
}

/** The NestJS example, compiled as its users do: decorators of parameters are no JavaScript. */
export async function nestApp(): Promise<FrameworkApp> {
  const folder = await copied('nestjs')
  const tsc = join(REPOSITORY, 'node_modules/typescript/bin/tsc')
  const compiled = promisify(execFile)(process.execPath, [tsc, '-p', folder])
  await compiled.catch((error: { stdout: string }) => Promise.reject(new Error(error.stdout)))
  return appIn(folder, 'dist/main.js')
}

async function copied(example: string): Promise<string> {
  const folder = mkdtempSync(join(await installedProject(), `${example}-`))
  cpSync(join(REPOSITORY, 'examples', example), folder, { recursive: true })
  for (const name of FRAMEWORKS) {
    const link = join(folder, 'node_modules', name)
    mkdirSync(dirname(link), { recursive: true })
    symlinkSync(join(REPOSITORY, 'node_modules', name), link)
  }
  return folder
}

function appIn(folder: string, program: string): FrameworkApp {
  return {
    folder,
    async start(env) {
      const server = startProgram(join(folder, program), [], { cwd: folder, env })
      const line = await server.line(/^listening on /)
      return { server, address: line.replace('listening on ', '') }
    },
  }
}
