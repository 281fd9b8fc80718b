import { randomBytes } from 'node:crypto'
import { afterAll, beforeAll } from 'vitest'
import type { ContractBackend, OpenBackend } from '../support/contract-backend.ts'

/** What the tests of a suite share: the opened backend, and keys that no other test uses. */
export interface SuiteContext {
  readonly backend: ContractBackend
  readonly open: OpenBackend
  key(): string
}

/** Opens the backend before the tests of the surrounding `describe`, and closes it after them. */
export function suiteContext(backend: ContractBackend): SuiteContext {
  let open: OpenBackend | undefined
  beforeAll(async () => {
    open = await backend.open()
  })
  afterAll(() => open?.close())
  return {
    backend,
    get open() {
      if (!open) throw new Error('the backend is opened before the tests, not before')
      return open
    },
    key: () => `key:${randomBytes(6).toString('hex')}`,
  }
}
