import type { FaultDetails } from '../../fault.ts'
import type { Random } from '../../random.ts'

/** Decides which of the workers' sessions it will be, however many there are then. */
export function drawVictims(random: Random) {
  return { victims: random.pick(['one', 'half', 'all'] as const), chosen: random.integer(0, 999) }
}

/** Those of the sessions that were drawn: the chosen one, and for a half those behind it, round and round. */
export function victimsOf(details: FaultDetails, sessions: readonly number[]): number[] {
  const count = { one: 1, half: Math.ceil(sessions.length / 2), all: sessions.length }[String(details.victims)] ?? 0
  const first = sessions.length === 0 ? 0 : Number(details.chosen) % sessions.length
  return [...sessions.slice(first), ...sessions.slice(0, first)].slice(0, count)
}
