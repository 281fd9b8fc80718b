/** Resolves when somebody wants the command to end: Ctrl-C, `kill`, or a terminal that was closed. That is how it is meant to end: with exit code 0. */
export function untilEnded(signals: readonly NodeJS.Signals[] = ['SIGINT', 'SIGTERM', 'SIGHUP']): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  for (const signal of signals) process.once(signal, () => resolve())
  return promise
}
