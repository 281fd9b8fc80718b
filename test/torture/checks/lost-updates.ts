import { Acknowledged } from '../acknowledged.ts'
import type { Check, Evidence } from '../evidence.ts'

/** G3, G10. Numbers that are read, and written one higher, under a lock only: nothing is lost, nothing counted twice. */
export const lostUpdates: Check = {
  name: 'lost updates',
  meaning:
    'a number that is only changed under guards and locks until commit lost an increment, or a commit that was acknowledged (G3, G10)',
  find: (evidence) => [...lostOrDoubled(evidence), ...(evidence.isOver ? missingCommits(evidence) : [])],
}

function lostOrDoubled({ writes, counters, isOver }: Evidence): string[] {
  const complaints: string[] = []
  for (const [counter, value] of counters) {
    const values = writes.filter((write) => write.counter === counter).map((write) => write.value)
    const distinct = new Set(values)
    if (distinct.size < values.length)
      complaints.push(`${counter}: ${values.length - distinct.size} of ${values.length} increments were lost`)
    // While it goes on, the two are read at different moments.
    else if (isOver && values.length !== value)
      complaints.push(`${counter} is ${value} after ${values.length} increments`)
  }
  return complaints
}

function missingCommits(evidence: Evidence): string[] {
  if (evidence.loss !== undefined) return []
  const { committed } = Acknowledged.of(evidence)
  const there = new Set(evidence.writes.map(({ op }) => op))
  return evidence.history.flatMap((event) =>
    event.e === 'writes' && committed.has(event.op) && !there.has(event.op)
      ? [`${event.counter}: the commit of ${event.op} was acknowledged, and is gone`]
      : [],
  )
}
