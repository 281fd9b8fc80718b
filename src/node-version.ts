/**
 * Imported first by every entry point: on an old Node.js one clear line instead of a crash inside a native driver.
 * Written without anything that an old Node.js cannot parse.
 */
const OLDEST_MAJOR = 22

const version = globalThis.process?.versions?.node
if (version !== undefined && Number.parseInt(version, 10) < OLDEST_MAJOR) {
  const error = new Error(`verrou-sql needs Node.js ${OLDEST_MAJOR} or newer; this is Node.js ${version}`)
  error.name = 'LockError'
  Object.assign(error, { code: 'E_UNSUPPORTED', retryable: false })
  // No stack: the line itself says all there is to say.
  error.stack = `${error.name}: ${error.message}`
  throw error
}
