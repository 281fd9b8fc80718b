import { CliError } from '../cli-error.ts'

/**
 * A driver of the user's: they are optional, so that nobody has to install three.
 *
 * @throws CliError which says how to get it
 */
export async function importDriver<Driver>(name: string, load: () => Promise<Driver>): Promise<Driver> {
  try {
    return await load()
  } catch (cause) {
    const isMissing = (cause as { code?: unknown }).code === 'ERR_MODULE_NOT_FOUND'
    const reason = isMissing ? 'is not installed' : `cannot be loaded (${(cause as Error).message})`
    throw new CliError('UNAVAILABLE', `the driver ${name} ${reason}: npm i ${name}`, { cause })
  }
}
