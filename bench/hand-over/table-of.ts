import Table from 'cli-table3'
import type { Distribution, HandOverNumbers } from './hand-over-numbers.ts'
import type { Setting } from './play.ts'

/** The numbers of one database, a line for each setting. */
export function tableOf(results: readonly { setting: Setting; numbers: HandOverNumbers }[]): string {
  const table = new Table({
    head: [
      ...[
        'processes',
        'waiters\neach',
        'hold\npause ms',
        'grants/s',
        'to another\nprocess',
        'within\none',
        'new-\ncomer',
      ],
      'to another process, ms\nmedian / p90 / p99 / max',
      'within one, ms\nmedian / p90 / p99 / max',
      ...[
        'idle while wanted, ms\nmedian / p99',
        'wait ms\nmedian / max',
        'statements\n/s',
        'per\ngrant',
        'CPU of\na process',
        'machine\nbusy',
      ],
    ],
    style: { head: [], border: [], compact: true },
  })
  for (const { setting, numbers } of results) {
    const seen = numbers.summary()
    table.push([
      `${setting.processes}`,
      `${setting.waiters}`,
      `${setting.holdMs} / ${setting.pauseMs}`,
      seen.grantsPerSecond.toFixed(0),
      percent(seen.betweenShare),
      percent(seen.withinShare),
      percent(seen.newcomerShare),
      shown(seen.between),
      shown(seen.within),
      seen.idleWhileWanted.count === 0
        ? 'none'
        : `${seen.idleWhileWanted.medianMs.toFixed(2)} / ${seen.idleWhileWanted.p99Ms.toFixed(1)}`,
      `${seen.waits.medianMs.toFixed(1)} / ${seen.waits.maxMs.toFixed(0)}`,
      seen.statementsPerSecond?.toFixed(0) ?? '?',
      seen.statementsPerGrant?.toFixed(1) ?? '?',
      percent(seen.cpuPerProcess),
      percent(seen.machineBusy),
    ])
    if (seen.overlaps > 0) table.push([{ colSpan: 15, content: `${seen.overlaps} times two at once held the key` }])
  }
  return table.toString()
}

function shown({ count, medianMs, p90Ms, p99Ms, maxMs }: Distribution): string {
  if (count === 0) return 'none'
  return [medianMs, p90Ms, p99Ms, maxMs].map((ms) => ms.toFixed(ms < 10 ? 2 : 0)).join(' / ')
}

function percent(share: number): string {
  return `${(share * 100).toFixed(share < 0.1 ? 1 : 0)} %`
}
