import { readFileSync } from 'node:fs'
import { rename, rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { type GuardedServer, startGuardedServer } from '../../servers/guarded-process.ts'
import type { OsUser } from '../../servers/os-user.ts'
import { createRunFolder } from '../../servers/run-folder.ts'
import { endFamily, isRunning, killFamily } from './process-family.ts'

/** The script's text, not its path: the server's user may be unable to read the repository. */
const SCRIPT = readFileSync(new URL('supervise.sh', import.meta.url), 'utf8')

/**
 * A server that can die and come back on the same data, as often as one likes, and that is gone for good, with its folder, when
 * this process is: however that ends.
 */
export class SupervisedServer {
  /** Its own folder, for data and all that is written on the way there. */
  readonly folder: string
  readonly user: OsUser | undefined
  readonly #guard: GuardedServer

  private constructor(folder: string, user: OsUser | undefined, stopSignal: 'QUIT' | 'KILL') {
    this.folder = folder
    this.user = user
    const command = ['bash', '-c', SCRIPT, 'supervise.sh', folder]
    this.#guard = startGuardedServer({ command, folder, user, stopSignal })
  }

  /** A folder, and somebody who watches over it. Nothing runs yet. */
  static async create(name: string, user: OsUser | undefined, stopSignal: 'QUIT' | 'KILL'): Promise<SupervisedServer> {
    return new SupervisedServer(await createRunFolder(name, user), user, stopSignal)
  }

  get dataFolder(): string {
    return this.#path('data')
  }

  /** Has the command started; who wants to know when it answers asks it. */
  async start(command: readonly string[]): Promise<void> {
    // An old one would be taken for the new one's.
    await rm(this.#path('server.pid'), { force: true })
    await writeFile(this.#path('start.new'), command.map((word) => `${word}\0`).join(''), { mode: 0o644 })
    // All at once: half a command must not be read.
    await rename(this.#path('start.new'), this.#path('start'))
  }

  /** Kills it, at once and with all its children; or asks it to end, by another signal, and waits until it has. */
  async end(signal: NodeJS.Signals = 'SIGKILL'): Promise<void> {
    const pid = this.#pid()
    if (pid === undefined || !isRunning(pid)) return
    if (signal === 'SIGKILL') await killFamily(pid)
    else await endFamily(pid, signal)
  }

  /** It was started and runs no more; or nobody watches any more. */
  hasEnded(): boolean {
    const pid = this.#pid()
    return this.#guard.hasEnded() || (pid !== undefined && !isRunning(pid))
  }

  /** What it last wrote, for error messages. */
  output(): string {
    return this.#guard.output()
  }

  /** Ends it for good and removes its folder. */
  async stop(): Promise<void> {
    await this.#guard.stop()
  }

  #path(name: string): string {
    return join(this.folder, name)
  }

  #pid(): number | undefined {
    try {
      return Number(readFileSync(this.#path('server.pid'), 'utf8'))
    } catch {
      return undefined
    }
  }
}
