import { afterEach, expect, test, vi } from 'vitest'
import { optionalServer } from '../support/optional-server.ts'

const start = () => Promise.reject(new Error('cannot be had'))

afterEach(() => {
  vi.unstubAllEnvs()
  vi.restoreAllMocks()
})

test('a server that a test can do without is named as not run', async () => {
  vi.stubEnv('CI', '')
  const said = vi.spyOn(console, 'error').mockImplementation(() => {})
  expect(await optionalServer('PgBouncer', start)).toBeUndefined()
  expect(said.mock.calls).toEqual([['NOT RUN: PgBouncer – cannot be had']])
})

test('in CI it is a failure', async () => {
  vi.stubEnv('CI', 'true')
  await expect(optionalServer('PgBouncer', start)).rejects.toThrow('cannot be had')
})
