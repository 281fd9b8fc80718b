import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

/** The folder of the repository. */
export const REPOSITORY = fileURLToPath(new URL('..', import.meta.url))

/** Generated files: their text by their path in the repository. */
export type GeneratedFiles = ReadonlyMap<string, string>

/** Writes generated files to their places. */
export function writeGenerated(files: GeneratedFiles): void {
  for (const [path, text] of files) {
    const file = join(REPOSITORY, path)
    mkdirSync(dirname(file), { recursive: true })
    writeFileSync(file, text)
  }
}
