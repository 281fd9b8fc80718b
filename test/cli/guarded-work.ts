// What the torture of `verrou run` runs under a lock: writes down when it was alive, by the clock that all processes share.
//   node guarded-work.ts FILE WORK_MS deaf|hearing
import { spawn } from 'node:child_process'
import { openSync, writeSync } from 'node:fs'

const [path, workMs, hearing] = process.argv.slice(2) as [string, string, string]
const file = openSync(path, 'a')
const { VERROU_KEY: key, VERROU_FENCING_TOKEN: token } = process.env

// One that nobody waits for, and that would be left behind.
const left = spawn('sleep', ['600'], { stdio: 'ignore' })
note()
console.log('at work')
if (hearing === 'deaf') process.on('SIGTERM', () => {})
setInterval(note, 5)
setTimeout(() => process.exit(), Number(workMs))

/** One line is one write: lines of several processes do not mix. */
function note(): void {
  const atUs = process.hrtime.bigint() / 1000n
  writeSync(
    file,
    `${JSON.stringify({ key, token: token === undefined ? null : Number(token), pid: process.pid, left: left.pid, atUs: Number(atUs) })}\n`,
  )
}
