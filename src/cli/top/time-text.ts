/** `850 ms`, `4.2 s`, `12 min 5 s`, `3 h 12 min`, `2 d 4 h`; `-`: there is none. */
export function timeText(ms: number | null): string {
  if (ms === null) return '-'
  if (ms < 995) return `${Math.round(Math.max(0, ms))} ms`
  if (ms < 59_950) return `${(ms / 1000).toFixed(1)} s`
  const s = Math.floor(ms / 1000)
  if (s < 3_600) return `${Math.floor(s / 60)} min ${s % 60} s`
  if (s < 86_400) return `${Math.floor(s / 3_600)} h ${Math.floor((s % 3_600) / 60)} min`
  return `${Math.floor(s / 86_400)} d ${Math.floor((s % 86_400) / 3_600)} h`
}
