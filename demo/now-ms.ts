/** The time that all processes of this machine agree on, finer and steadier than `Date.now()`. */
export function nowMs(): number {
  return performance.timeOrigin + performance.now()
}
