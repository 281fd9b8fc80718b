import { describeValue } from './describe-value.ts'
import { errors } from './errors.ts'

/** Primary keys of every supported database can be this long: InnoDB's index limit is 3,072 bytes. */
export const LONGEST_KEY_BYTES = 1024

/**
 * Refuses what is not the same key on every database.
 *
 * @throws LockError `E_INVALID_KEY`: not a string, empty, more than 1,024 bytes of UTF-8, with NUL (Postgres text
 * cannot hold it), or with a lone surrogate (which has no UTF-8 form, so two such keys could become one).
 */
export function checkKey(key: unknown): asserts key is string {
  const broken = brokenRule(key)
  if (broken) {
    throw new errors.E_INVALID_KEY(`a key must be ${broken}; got ${describeValue(key)}`, { details: { rule: broken } })
  }
}

function brokenRule(key: unknown): string | undefined {
  if (typeof key !== 'string') return 'a string'
  if (key === '') return 'at least one character long'
  if (key.includes('\0')) return 'free of NUL characters'
  if (!key.isWellFormed()) return 'well-formed Unicode (no lone surrogates)'
  if (Buffer.byteLength(key) > LONGEST_KEY_BYTES) return `at most ${LONGEST_KEY_BYTES} bytes of UTF-8`
  return undefined
}
