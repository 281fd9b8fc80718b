import { expect, test } from 'vitest'
import { rejection } from './rejection.ts'
import type { SuiteContext } from './suite-context.ts'

/** Keys that some collation, padding, normalisation or quoting takes for each other. */
const ALIKE = [
  ['Order:1', 'order:1', 'ORDER:1', 'order:1 ', ' order:1', 'order:1\t'],
  ['é', 'e\u0301', 'e', 'É'],
  ['ß', 'ss', 'SS', 'ẞ'],
  ['😀', '😁', '👩‍👩‍👧‍👦', '👩'],
  [
    "it's",
    "it''s",
    'it"s',
    'it`s',
    'it\\s',
    'it\\\\s',
    'it%s',
    'it_s',
    'it?s',
    'it$1s',
    'it:s',
    '--',
    '/* */',
    "'; drop table x; --",
  ],
  ['\n', '\r', '\r\n', '\u2028', '\u200b', '\ufeff'],
  ['0', '00', '0.0', '-0', 'null', 'NULL', 'undefined', 'true'],
  ['a'.repeat(1024), `${'a'.repeat(1023)}b`, '€'.repeat(341)],
]

/** G12: keys are bytes. */
export function keys(context: SuiteContext): void {
  for (const group of ALIKE) {
    test(`are different keys: ${group.map((key) => JSON.stringify(key.slice(0, 12))).join(' ')}`, async () => {
      const factory = context.open.factory()
      const prefix = group.some((key) => key.length > 300) ? '' : `${context.key()}:`
      const tokens: number[] = []
      for (const key of group) {
        const lock = factory.createLock(prefix + key, '30s')
        expect(await lock.acquireImmediately(), key).toBe(true)
        tokens.push(lock.fencingToken as number)
      }
      for (const [index, key] of group.entries()) {
        const state = await context.open.store().inspect(prefix + key)
        expect(state?.token, key).toBe(tokens[index])
        expect(await factory.createLock(prefix + key).acquireImmediately(), key).toBe(false)
      }
    })
  }

  test('what is no key on every database is refused before anything is sent', async () => {
    const factory = context.open.factory()
    const noKeys: unknown[] = [
      '',
      'a'.repeat(1025),
      '€'.repeat(342),
      'a\0b',
      '\ud800',
      'x\udc00y',
      7,
      null,
      undefined,
      {},
      ['a'],
    ]
    for (const noKey of noKeys) {
      await rejection((async () => factory.createLock(noKey as string))(), 'E_INVALID_KEY')
    }
  })
}
