import { CHECKS } from './checks/checks.ts'
import type { TortureDatabase } from './databases/torture-database.ts'
import { statisticsOf } from './statistics.ts'
import type { Verdict } from './torture.ts'
import { WORKERS } from './workers.ts'

interface Circumstances {
  readonly verdict: Verdict
  readonly database: Pick<TortureDatabase, 'name' | 'version'>
  readonly seed: number
  /** The commit that was tortured, and the day. */
  readonly commit: string
  readonly day: string
  readonly nodeVersion: string
}

/** What happened, as Markdown. */
export function reportOf({ verdict, database, seed, commit, day, nodeVersion }: Circumstances): string {
  const { evidence, violations, plan } = verdict
  const numbers = statisticsOf(evidence)
  const minutes = plan.durationMs / 60_000
  const failures = [...numbers.failed].map(([code, count]) => `${count} × \`${code}\``).join(', ') || 'none'
  const found = CHECKS.map(({ name, meaning }) => [
    name,
    count(violations.filter(({ check }) => check === name).length),
    meaning,
  ])
  return `# Torture: ${database.name}

${violations.length === 0 ? '**No violation.**' : `**${violations.length} violations.**`} ${database.version}, ${WORKERS} processes, ${round(minutes)} minutes, seed ${seed}. Commit ${commit}, ${day}, Node.js ${nodeVersion}.

\`\`\`sh
npm run torture -- --database ${database.name} --minutes ${round(minutes)} --seed ${seed}
\`\`\`

## What was checked

${table(['', 'found', 'what it means'], found)}

## What was done

${table(
  ['', ''],
  [
    ...[...numbers.work].map(([kind, done]) => [kind, count(done)]),
    ['**grants**', count(numbers.granted)],
    ['refused', count(numbers.refused)],
    ['handed over by a release, in its statement', count(numbers.handOvers)],
    ['taken over: the holder’s time was over', count(numbers.takeovers)],
    ['taken over from a process that was gone, before that', count(numbers.takenFromGone)],
    ['holders that learnt of their loss', count(numbers.losses)],
    ['calls that failed', failures],
    ['calls whose process died before the answer', count(numbers.unanswered)],
    ['grants that nobody was told of', count(numbers.unheard)],
    ['increments under guards and locks until commit', count(numbers.committedWrites)],
    [
      'commits that were asked for and never confirmed',
      `${count(numbers.unknownCommits)}, of which ${count(numbers.unknownCommitsThatHappened)} had happened`,
    ],
    ...(evidence.loss !== undefined
      ? [['grants that were told, and lost in the failover', count(numbers.lostGrants)]]
      : []),
    ['session locks', count(numbers.sessionHolds)],
    ['session locks whose session ended before the work did', count(numbers.endedSessions)],
    ['presences that were lost by a process which lived on', count(numbers.lostPresences)],
    ['processes, one after the other', count(numbers.processes)],
    ['stalls of a process', count(numbers.stalls)],
    ['largest skew of a clock', `${round(numbers.largestSkewMs / 86_400_000)} days`],
  ],
)}

## What was done to them

${table(
  ['fault', 'injected', 'could not be'],
  [...numbers.faults].map(([kind, { injected, failed }]) => [kind, count(injected), failed === 0 ? '' : count(failed)]),
)}
${
  violations.length === 0
    ? ''
    : `\n## Violations\n\n${violations
        .slice(0, 100)
        .map(({ check, what }) => `- ${check}: ${what}`)
        .join('\n')}\n`
}`
}

function table(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]) => `| ${cells.join(' | ')} |`
  return [line(head), `|${head.map(() => '---|').join('')}`, ...rows.map(line)].join('\n')
}

function count(number: number): string {
  return number.toLocaleString('en')
}

function round(number: number): string {
  return String(Math.round(number * 100) / 100)
}
