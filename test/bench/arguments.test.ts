import { describe, expect, test } from 'vitest'
import { helpText, readArguments } from '../../bench/arguments.ts'

const IDS = ['P1', 'P2', 'P10']
const read = (...given: string[]) => readArguments(given, IDS)

describe('the arguments of the benchmark', () => {
  test('left out, everything is measured and nothing written', () => {
    expect(read()).toEqual({
      only: undefined,
      settings: { seconds: 1.5, rounds: 5, isQuick: false },
      json: undefined,
      report: undefined,
      from: undefined,
    })
  })

  test('choose scenarios, in any case', () => {
    expect(read('--only', 'p2, P10')?.only).toEqual(['P2', 'P10'])
  })

  test('--quick has its own defaults, which the others go before', () => {
    expect(read('--quick')?.settings).toEqual({ seconds: 0.5, rounds: 2, isQuick: true })
    expect(read('--quick', '--seconds', '0.2', '--rounds', '3')?.settings).toEqual({
      seconds: 0.2,
      rounds: 3,
      isQuick: true,
    })
  })

  test('--write names the page of the documentation', () => {
    expect(read('--write')?.report).toBe('docs/benchmarks.md')
    expect(read('--report', 'page.md', '--json', 'all.json')).toMatchObject({ report: 'page.md', json: 'all.json' })
  })

  test('--help asks for nothing but help, which names every scenario', () => {
    expect(read('--help', '--only', 'P7')).toBeUndefined()
    expect(helpText([{ id: 'P1', title: 'One caller' }])).toContain('P1   One caller')
  })

  test.each([
    [['--only', 'P3'], '--only: "P3" is none of P1, P2, P10'],
    [['--only', ''], '--only: "" is none of P1, P2, P10'],
    [['--seconds', '0'], '--seconds must be a number from 0.1 to 600, not 0'],
    [['--seconds', 'NaN'], '--seconds must be a number from 0.1 to 600, not NaN'],
    [['--seconds', ''], '--seconds must be a number from 0.1 to 600, not '],
    [['--rounds', '2.5'], '--rounds must be a whole number, not 2.5'],
    [['--rounds', '-1'], /--rounds.*ambiguous/],
    [['--json', ' '], '--json must name a file'],
    [['--from', 'all.json'], '--from needs --report <file> or --write'],
    [['--write', '--report', 'page.md'], '--write and --report both say where the page goes'],
    [['--speed', '2'], /Unknown option '--speed'/],
    [['P1'], /Unexpected argument 'P1'/],
  ])('refuse %j', (given, message) => {
    expect(() => readArguments(given, IDS)).toThrow(message)
  })
})
