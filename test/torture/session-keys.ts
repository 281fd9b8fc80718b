const HOT_KEYS = 2
const COLD_KEYS = 20

/** Keys of session locks that everybody wants. */
export const HOT_SESSIONS: readonly string[] = Array.from(
  { length: HOT_KEYS },
  (_, index) => `session:hot:${index + 1}`,
)

/** Those that few want: who waits for one is served by its release, and by nobody who happens to come. */
export const COLD_SESSIONS: readonly string[] = Array.from(
  { length: COLD_KEYS },
  (_, index) => `session:cold:${index + 1}`,
)

/** All of them: MySQL tells of a lock only who knows its name. */
export const SESSION_KEYS: readonly string[] = [...HOT_SESSIONS, ...COLD_SESSIONS]

/** Between two tries of whoever waits for one: where it polls, and where it is told. */
export const SESSION_DELAYS_MS = { polled: 1_500, told: 4_000 }
