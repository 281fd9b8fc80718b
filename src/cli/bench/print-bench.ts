import type { Screen } from '../output/screen.ts'
import { table } from '../output/table.ts'
import type { BenchResult } from './bench-result.ts'
import type { Distribution } from './distribution.ts'

/** The numbers, and what makes them what they are. */
export function printBench(result: BenchResult, screen: Screen): void {
  const { database, engine, roundTripMs, durability, oneCaller, manyCallers, handOver, seconds } = result
  const { print } = screen
  print(`${engine.name} ${engine.version} at ${database}, ${seconds} s each\n`)
  const rows = [
    row('one caller, acquire and release', oneCaller),
    row(`${manyCallers.callers} callers, each with a key of its own`, manyCallers),
    // How many there are in a second says nothing: between them, the processes do something else.
    row('hand-over to a waiter in another process', handOver).with(1, ''),
  ]
  print(table({ head: ['', 'PER SECOND', 'MEDIAN', 'P99', 'MAX'], rows, right: [1, 2, 3, 4] }, screen))
  print(`\nA round trip takes ${ms(roundTripMs)}.`)
  if (durability.length > 0) print(durabilityText(result))
  print('These are numbers of this machine and this moment.\nComparisons, side by side: docs/benchmarks.md.')
}

function row(what: string, { perSecond, medianMs, p99Ms, maxMs }: Distribution): string[] {
  return [what, Math.round(perSecond).toLocaleString('en'), ms(medianMs), ms(p99Ms), ms(maxMs)]
}

function durabilityText({ durability }: BenchResult): string {
  const text = durability.map(({ name, value }) => `${name} = ${value}`).join(', ')
  const isDurable = durability.every((setting) => setting.isDurable)
  return `A grant ${isDurable ? 'waits' : 'does not wait'} for the disk (${text}).`
}

function ms(value: number): string {
  return `${value.toFixed(value < 10 ? 2 : 0)} ms`
}
