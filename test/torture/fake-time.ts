import { existsSync } from 'node:fs'
import { mkdtemp, rename, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unpackedDebian } from '../servers/unpacked-debian.ts'

const INSTALLED = '/usr/lib/x86_64-linux-gnu/faketime/libfaketime.so.1'

/** The library that lies to a process about the time of day: the machine's, else Debian's, downloaded and not installed. */
export async function fakeTimeLibrary(): Promise<string> {
  if (existsSync(INSTALLED)) return INSTALLED
  const runFolder = await mkdtemp(join(tmpdir(), 'verrou-faketime-'))
  try {
    // The oldest suite that has it: a program's C library must be at least as new as the one it was built with.
    const { folder } = await unpackedDebian({ suite: 'bookworm', packageName: 'libfaketime', runFolder })
    return join(folder, INSTALLED)
  } finally {
    await rm(runFolder, { recursive: true, force: true })
  }
}

/** The time of day of one worker. https://github.com/wolfcw/libfaketime */
export class FakeTime {
  readonly #library: string | undefined
  readonly #file: string

  /** @param library missing: the process sees the real time */
  constructor(library: string | undefined, file: string) {
    this.#library = library
    this.#file = file
  }

  /** What a process is started with. The monotonic clock stays as it is: it is what the library and the histories count by. */
  get environment(): Record<string, string> {
    if (this.#library === undefined) return {}
    return {
      LD_PRELOAD: this.#library,
      FAKETIME_TIMESTAMP_FILE: this.#file,
      FAKETIME_DONT_FAKE_MONOTONIC: '1',
      // Seconds between two looks at the file.
      FAKETIME_CACHE_DURATION: '1',
    }
  }

  /** Takes effect within a second, in the middle of whatever the process does. */
  async set(offsetSeconds: number): Promise<void> {
    const sign = offsetSeconds < 0 ? '-' : '+'
    // In one step, so that nobody reads half a line.
    await writeFile(`${this.#file}.new`, `${sign}${Math.abs(offsetSeconds)}\n`)
    await rename(`${this.#file}.new`, this.#file)
  }
}
