interface ExitCode {
  readonly code: number
  /** When the command `verrou` ends with it. */
  readonly says: string
}

/**
 * Every exit code of the command `verrou`, in one catalogue: those of `sysexits.h`, and those that shells have for commands that could
 * not be run. `verrou run` passes the code of its command on, so its own are ones that hardly any program uses.
 * https://man.freebsd.org/cgi/man.cgi?sysexits
 */
export const EXIT_CODES = {
  OK: { code: 0, says: 'It worked. `run --once-per`: also, when it has been run in this period.' },
  NO: { code: 1, says: 'The answer is no: a question was not answered with yes; `doctor` found something to mend.' },
  USAGE: { code: 64, says: 'The command line is wrong: an unknown option, a duration or a URL that cannot be read.' },
  NOT_FOUND: { code: 66, says: 'There is no such key, or no such SQLite file.' },
  UNAVAILABLE: {
    code: 69,
    says: 'The database or its driver cannot be had: it does not answer, is not installed, or cannot do this.',
  },
  INTERNAL: { code: 70, says: 'A bug of ours. `VERROU_DEBUG=1` prints where.' },
  NOT_GRANTED: {
    code: 75,
    says: '`run`: the lock was not granted in time; nothing was run. `--conflict-exit-code` chooses another.',
  },
  LOCK_LOST: { code: 76, says: '`run`: the lock was lost while the command ran, which was ended.' },
  NO_RIGHTS: { code: 77, says: 'The database refuses the user, or what was asked of it.' },
  CONFIG: {
    code: 78,
    says: 'Something is not set up: the lock table is missing or too old (`verrou migrate`), or `kysely.config` cannot be used.',
  },
  CANNOT_RUN: { code: 126, says: '`run`: the command is there, and cannot be run.' },
  COMMAND_NOT_FOUND: { code: 127, says: '`run`: there is no such command.' },
} as const satisfies Record<string, ExitCode>

/** The name of an exit code. */
export type ExitName = keyof typeof EXIT_CODES

/** What comes after the catalogue: codes that are a number away from 128. */
export const SIGNAL_EXITS =
  'Ended by a signal: 130 for SIGINT, 137 for SIGKILL, 141 for a pipe that nobody reads any more, 143 for SIGTERM.'

/** As shells count: what a program that was ended by that signal is said to have exited with. */
export function exitCodeOfSignal(signalNumber: number): number {
  return 128 + signalNumber
}
