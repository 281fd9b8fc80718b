import { execFile } from 'node:child_process'
import { accessSync, constants, existsSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { delimiter, join } from 'node:path'
import { promisify } from 'node:util'
import { type Browser, chromium } from 'playwright-core'
import { failureReason } from '../servers/failure-reason.ts'
import { onlyOneProcess } from './only-one-process.ts'

const run = promisify(execFile)

/**
 * A real Chromium: that of `VERROU_TEST_CHROMIUM`, else `chromium` in PATH, else Debian's package, which root can install. Where it cannot be had, that is
 * named as not run; in CI it is a failure.
 *
 * @returns `undefined`: it could not be had
 */
export async function openChromium(): Promise<Browser | undefined> {
  try {
    const executablePath = process.env.VERROU_TEST_CHROMIUM ?? inPath() ?? (await installed())
    // Its sandbox does not work for root, nor in containers; nothing but our own page is opened.
    return await chromium.launch({ executablePath, args: ['--no-sandbox', '--disable-dev-shm-usage'] })
  } catch (error) {
    const isCi = !['', '0', 'false'].includes(process.env.CI ?? '')
    if (isCi) throw error
    console.error(`NOT RUN: Chromium – ${failureReason(error)}`)
    return undefined
  }
}

function inPath(): string | undefined {
  const folders = (process.env.PATH ?? '').split(delimiter)
  return folders.map((folder) => join(folder, 'chromium')).find(isProgram)
}

function isProgram(path: string): boolean {
  try {
    accessSync(path, constants.X_OK)
    return existsSync(path)
  } catch {
    return false
  }
}

async function installed(): Promise<string> {
  if (process.getuid?.() !== 0) throw new Error('there is no `chromium` in PATH; as root: apt-get install chromium')
  // Test files run in processes of their own, and apt lets one work at a time.
  await onlyOneProcess(join(tmpdir(), 'verrou-install-chromium'), async () => {
    if (inPath()) return
    const install = () => aptGet('install', '-y', '--no-install-recommends', 'chromium')
    // A machine that was set up some time ago has lists of packages that are gone.
    await install().catch(async () => {
      await aptGet('update')
      await install()
    })
  })
  const program = inPath()
  if (!program) throw new Error('apt-get has installed no `chromium`')
  return program
}

function aptGet(...args: string[]) {
  return run('apt-get', ['-q', ...args], {
    env: { ...process.env, DEBIAN_FRONTEND: 'noninteractive' },
    timeout: 100_000,
    maxBuffer: 2 ** 24,
  })
}
