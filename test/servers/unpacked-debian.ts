import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { runGuardedStep } from './guarded-process.ts'

const SCRIPT = fileURLToPath(new URL('debian-root.sh', import.meta.url))
const CACHE_FOLDER = fileURLToPath(new URL('../../.cache', import.meta.url))

/** Under way, by folder. */
const DOWNLOADS = new Map<string, Promise<void>>()

interface DebianPackage {
  /** A Debian release, or `sid`. */
  suite: string
  packageName: string
  /** The run's own folder. */
  runFolder: string
}

export interface Unpacked {
  folder: string
  /** For the line printed before the tests. */
  source: string
}

/** A package of a Debian suite, with all it needs, unpacked into the repository's cache; downloaded the first time. */
export async function unpackedDebian({ suite, packageName, runFolder }: DebianPackage): Promise<Unpacked> {
  const folder = join(CACHE_FOLDER, `debian-${suite}-${packageName}`)
  const wasThere = existsSync(folder)
  if (!wasThere) {
    const command = ['bash', SCRIPT, suite, folder, packageName]
    // Servers of one kind start at the same time: one download is enough.
    const download = DOWNLOADS.get(folder) ?? runGuardedStep({ command, folder: runFolder, stopSignal: 'TERM' })
    DOWNLOADS.set(folder, download)
    await download.finally(() => DOWNLOADS.delete(folder))
  }
  return { folder, source: `Debian ${suite}, ${wasThere ? 'unpacked earlier' : 'downloaded'}` }
}

/**
 * The command that runs an unpacked program: through the folder's own loader, because the program needs the folder's C library.
 * This way neither chroot nor root is needed. https://man7.org/linux/man-pages/man8/ld.so.8.html
 */
export function unpackedCommand(folder: string, program: string): string[] {
  const loader = join(folder, 'lib64/ld-linux-x86-64.so.2')
  return [loader, '--library-path', join(folder, 'usr/lib/x86_64-linux-gnu'), join(folder, program)]
}
