// node sqlite-stranger.ts <SqliteOrder as JSON>
// Does something to a file of SQLite, as another program would. Prints "begun" when it does it, and lives no longer than its parent.
// Copies go into the folder that it runs in.
import { rmSync } from 'node:fs'
import { setTimeout as sleep } from 'node:timers/promises'
import Database from 'better-sqlite3'
import type { SqliteOrder } from './sqlite-task.ts'

const { path, tableName, forMs, task } = JSON.parse(process.argv[2] ?? '') as SqliteOrder
process.stdin.resume().once('end', () => process.exit(1))

const database = new Database(path, { fileMustExist: true, timeout: 2_000 })
let hasBegun = false

if (task.task === 'hold') {
  database.exec(`begin ${task.begin}`)
  if (task.writes) database.exec(`update "${tableName}" set held_by = 'a stranger'`)
  begun()
  await sleep(forMs)
  database.exec(task.end)
} else if (task.task === 'run') await overAndOver(async () => void database.exec(task.sql), 30)
else if (task.task === 'copy') await copies(task.how)
else await prune(task.retentionMs, task.aheadMs)
database.close()
process.exit(0)

function begun(): void {
  if (!hasBegun) console.log('begun')
  hasBegun = true
}

/** A file that is busy is no reason to stop. */
async function overAndOver(action: () => Promise<void>, pauseMs: number): Promise<void> {
  // From here: loading what is needed can take long on a busy machine.
  const endMs = performance.now() + forMs
  let trouble: unknown
  do {
    try {
      await action()
      begun()
    } catch (error) {
      trouble = error
    }
    await sleep(pauseMs)
  } while (performance.now() < endMs)
  if (!hasBegun) throw trouble
}

/** `backup`: page by page, from the start again whenever somebody writes. `vacuum into`: one long read. */
async function copies(how: string): Promise<void> {
  const copy = 'copy.db'
  await overAndOver(async () => {
    rmSync(copy, { force: true })
    if (how === 'backup') await database.backup(copy)
    else database.prepare('vacuum into ?').run(copy)
  }, 30)
}

async function prune(retentionMs: number, aheadMs: number): Promise<void> {
  const { sweepStatements } = await import('./sweep-statements.ts')
  const { AHEAD_EVERY_MS, setTokensAhead } = await import('./token-ahead.ts')
  let aheadAtMs = 0
  const { look, remove } = sweepStatements('sqlite', tableName)
  const retentionUs = Math.round(retentionMs * 1000)
  const looking = database.prepare<unknown[], { key: string; is_old: number; free_since: number }>(look.sql)
  const removing = database.prepare(remove.sql)
  let afterKey = ''
  await overAndOver(async () => {
    if (aheadMs > 0 && performance.now() >= aheadAtMs) {
      database.exec(setTokensAhead('sqlite', tableName, aheadMs))
      aheadAtMs = performance.now() + AHEAD_EVERY_MS
    }
    const page = looking.all(...look.values({ afterKey, retentionUs }))
    afterKey = page.at(-1)?.key ?? ''
    for (const { key, is_old, free_since } of page) {
      if (is_old) removing.run(...remove.values({ keys: [String(key)], freeSinceUs: free_since }))
    }
  }, 2)
}
