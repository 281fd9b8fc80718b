import { mkdtemp, readdir, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { unpackedCommand, unpackedDebian } from '../../../servers/unpacked-debian.ts'

export type DumpProgram = 'pg_dump' | 'mysqldump' | 'mariadb-dump'

/** Not the machine's own: pg_dump refuses servers that are newer, and mysqldump is often that of MariaDB. */
const PACKAGES: Record<DumpProgram, { suite: string; packageName: string }> = {
  pg_dump: { suite: 'sid', packageName: 'postgresql-client' },
  mysqldump: { suite: 'sid', packageName: 'mysql-client-core' },
  'mariadb-dump': { suite: 'bookworm', packageName: 'mariadb-client' },
}

/** The command that runs a program for dumps, of a Debian package that is unpacked and not installed. */
export async function dumpProgram(name: DumpProgram): Promise<string[]> {
  const runFolder = await mkdtemp(join(tmpdir(), 'verrou-torture-dump-'))
  try {
    const { folder } = await unpackedDebian({ ...PACKAGES[name], runFolder })
    return unpackedCommand(folder, name === 'pg_dump' ? await newestPgDump(folder) : `usr/bin/${name}`)
  } finally {
    await rm(runFolder, { recursive: true, force: true })
  }
}

/** Debian has it under its version; what is in /usr/bin is a script in Perl that chooses one. */
async function newestPgDump(folder: string): Promise<string> {
  const versions = await readdir(join(folder, 'usr/lib/postgresql'))
  return `usr/lib/postgresql/${Math.max(...versions.map(Number))}/bin/pg_dump`
}
