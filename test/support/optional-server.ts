import { failureReason } from '../servers/failure-reason.ts'
import type { StartedServer } from '../servers/started-server.ts'

/**
 * A server that a test can do without where it cannot be had: named as not run, and in CI a failure.
 *
 * @returns `undefined`: it could not be had
 */
export async function optionalServer(
  name: string,
  start: () => Promise<StartedServer>,
): Promise<StartedServer | undefined> {
  try {
    return await start()
  } catch (error) {
    const isCi = !['', '0', 'false'].includes(process.env.CI ?? '')
    if (isCi) throw error
    console.error(`NOT RUN: ${name} – ${failureReason(error)}`)
    return undefined
  }
}
