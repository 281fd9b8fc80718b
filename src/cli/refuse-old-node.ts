// Imported first: on an old Node.js one clear line, before anything is loaded that it cannot read. Written without anything that it cannot parse.
import { EXIT_CODES } from './exit-codes.ts'

/** The oldest that the libraries of the command run on. */
const OLDEST = [22, 12] as const

const [major = 0, minor = 0] = process.versions.node.split('.').map(Number)
if (major < OLDEST[0] || (major === OLDEST[0] && minor < OLDEST[1])) {
  const needed = `${OLDEST.join('.')} or newer`
  process.stderr.write(`verrou: needs Node.js ${needed}; this is Node.js ${process.versions.node}\n`)
  process.exit(EXIT_CODES.UNAVAILABLE.code)
}
