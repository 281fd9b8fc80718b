import { execFileSync } from 'node:child_process'
import { closeSync, fsyncSync, mkdtempSync, openSync, readFileSync, rmSync, writeSync } from 'node:fs'
import { cpus, loadavg, release, tmpdir, totalmem, type } from 'node:os'
import { join } from 'node:path'
import { REPOSITORY } from '../../scripts/repository.ts'
import { spreadOf } from '../measure/spread.ts'
import type { MachineFacts, Results } from './results.ts'

const PACKAGES = [
  ...['@verrou/core', 'redlock', 'advisory-lock', 'kysely', 'pg', 'mysql2', 'better-sqlite3', 'ioredis'],
]

const FLUSHES = 50

/** Where and with what it is measured. */
export async function circumstances(): Promise<Pick<Results, 'commit' | 'machine' | 'packages'>> {
  return { commit: commit(), machine: machineFacts(), packages: Object.fromEntries(PACKAGES.map(versionOf)) }
}

export function loadOfTheMinute(): number {
  return Number((loadavg()[0] ?? Number.NaN).toFixed(1))
}

function machineFacts(): MachineFacts {
  const all = cpus()
  return {
    processor: all[0]?.model.trim() ?? 'unknown',
    cores: all.length,
    memoryGb: Math.round(totalmem() / 1e9),
    system: `${type()} ${release()}`,
    node: process.versions.node,
    loadBefore: loadOfTheMinute(),
    loadAfter: loadOfTheMinute(),
    flushMs: flushMs(),
  }
}

/** How long this machine takes to put 8 kB on the disk that the servers have their data on. */
function flushMs(): number {
  const folder = mkdtempSync(join(tmpdir(), 'verrou-bench-flush-'))
  const file = openSync(join(folder, 'flush'), 'w')
  try {
    const times = Array.from({ length: FLUSHES }, () => {
      const startMs = performance.now()
      writeSync(file, Buffer.alloc(8192))
      fsyncSync(file)
      return performance.now() - startMs
    })
    return Number(spreadOf(times).median.toFixed(2))
  } finally {
    closeSync(file)
    rmSync(folder, { recursive: true, force: true })
  }
}

function commit(): string {
  try {
    return execFileSync('git', ['describe', '--always', '--dirty'], { cwd: REPOSITORY, encoding: 'utf8' }).trim()
  } catch {
    return 'unknown'
  }
}

function versionOf(name: string): [string, string] {
  const text = readFileSync(join(REPOSITORY, 'node_modules', name, 'package.json'), 'utf8')
  return [name, (JSON.parse(text) as { version: string }).version]
}
