import { describe, expect, test } from 'vitest'
import { HELP, readArguments } from './arguments.ts'
import { BROKEN_BUILDS } from './broken/broken-builds.ts'
import { TORTURE_DATABASES } from './databases/torture-databases.ts'
import { WORK_KINDS } from './work/work-kinds.ts'

test('what is not said', () => {
  expect(readArguments([])).toEqual({
    ...{ database: 'postgres', durationMs: 60_000, seed: expect.any(Number), keep: false },
    ...{ broken: undefined, faults: undefined, only: undefined, report: undefined },
  })
  const seeds = Array.from({ length: 20 }, () => Number(readArguments([])?.seed))
  expect(new Set(seeds).size).toBeGreaterThan(10)
  expect(seeds.every((seed) => Number.isInteger(seed) && seed >= 0)).toBe(true)
})

test('what is said', () => {
  const said = ['--database', 'mariadb', '--minutes', '0.5', '--seed', '42', '--report', 'out.md', '--keep']
  const more = ['--work', 'guarded write, lease run', '--faults', 'kill a worker, delay', '--broken', 'no expiry check']
  expect(readArguments([...said, ...more])).toEqual({
    ...{ database: 'mariadb', durationMs: 30_000, seed: 42, report: 'out.md', keep: true },
    ...{ only: ['guarded write', 'lease run'], faults: ['kill a worker', 'delay'], broken: 'no expiry check' },
  })
  expect(readArguments(['--seed', '0'])?.seed).toBe(0)
  expect(readArguments(['--faults', 'none'])?.faults).toEqual([])
})

test('every name that can be given is taken', () => {
  for (const database of Object.keys(TORTURE_DATABASES))
    expect(readArguments(['--database', database])?.database).toBe(database)
  for (const { name } of WORK_KINDS) expect(readArguments(['--work', name])?.only).toEqual([name])
  for (const { name } of BROKEN_BUILDS) expect(readArguments(['--broken', name])?.broken).toBe(name)
})

test.each([
  ['--database', 'oracle', /--database: "oracle" is none of sqlite, postgres/],
  ['--database', '', /--database: "" is none of/],
  ['--minutes', 'ten', /--minutes must be a number from 0.1 to 1440, not ten/],
  ['--minutes', '', /--minutes must be a number/],
  ['--minutes', '0', /from 0.1 to 1440, not 0/],
  ['--minutes', '1441', /not 1441/],
  ['--minutes', 'NaN', /not NaN/],
  ['--minutes', 'Infinity', /not Infinity/],
  ['--seed', '1.5', /--seed must be a whole number, not 1.5/],
  ['--seed', '4294967296', /--seed must be a number from 0 to 1000000000/],
  ['--seed', '', /--seed must be a number/],
  ['--work', 'guarded write,idle', /--work: "idle" is none of .*guarded write/],
  ['--work', '', /--work: "" is none of/],
  ['--broken', 'by hand', /--broken: "by hand" is none of no expiry check/],
])('%s "%s" is refused, by name and value', (option, value, message) => {
  expect(() => readArguments([option, value])).toThrow(message)
})

test.each([
  [['--minutes', '-1'], /--minutes/],
  [['--seed=-1'], /--seed must be a number from 0 .* not -1/],
  [['--seed'], /--seed/],
  [['--databse', 'postgres'], /--databse/],
  [['postgres'], /postgres/],
])('%j is refused', (given, message) => {
  expect(() => readArguments(given)).toThrow(message)
})

describe('help', () => {
  test('is told apart from all else', () => {
    expect(readArguments(['--help'])).toBeUndefined()
    expect(readArguments(['--database', 'oracle', '--help'])).toBeUndefined()
  })

  test('names every option, database, kind of work and broken build, on lines that fit', () => {
    const text = HELP.replace(/\s+/g, ' ')
    for (const option of ['database', 'minutes', 'seed', 'report', 'work', 'faults', 'broken', 'keep'])
      expect(HELP).toMatch(new RegExp(`^  --${option}\\b`, 'm'))
    for (const name of Object.keys(TORTURE_DATABASES)) expect(text).toMatch(new RegExp(`[ ,]${name}[,;]`))
    for (const { name } of [...WORK_KINDS, ...BROKEN_BUILDS]) expect(text).toContain(name)
  })

  test('has examples that work', () => {
    const examples = [...HELP.matchAll(/npm run torture -- (--.*)/g)].map(([, line]) => words(line ?? ''))
    expect(examples.length).toBeGreaterThanOrEqual(2)
    for (const example of examples) expect(readArguments(example)).toBeDefined()
  })
})

/** As a shell splits a line. */
function words(line: string): string[] {
  return [...line.matchAll(/"([^"]*)"|(\S+)/g)].map(([, quoted, plain]) => quoted ?? plain ?? '')
}
