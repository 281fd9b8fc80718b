/** A picture of a command in a terminal. */
export interface TerminalPicture {
  /** Of the file. */
  readonly name: string
  /** What is typed behind `verrou`. */
  readonly args: readonly string[]
  readonly columns: number
  /** The height of the terminal, for what fills it. Default: as high as the text. */
  readonly rows?: number
  /** What is typed, so long after it has printed something for the first time. */
  readonly typed?: { readonly text: string; readonly after: string; readonly delayMs: number }
}

/** One for each command, in the order of `verrou --help`. */
export const TERMINAL_PICTURES: readonly TerminalPicture[] = [
  { name: 'help', args: ['--help'], columns: 110 },
  {
    name: 'run',
    args: ['run', 'report:nightly', '--', 'sh', '-c', `'echo "writing with token $VERROU_FENCING_TOKEN"'`],
    columns: 100,
  },
  { name: 'ls', args: ['ls'], columns: 110 },
  { name: 'inspect', args: ['inspect', 'invoice:4711'], columns: 90 },
  { name: 'top', args: ['top'], columns: 110, rows: 24, typed: { text: 'q', after: 'verrou top', delayMs: 12_000 } },
  {
    name: 'release',
    args: ['release', 'stock:shelf-9', '--force'],
    columns: 90,
    typed: { text: 'y\r', after: '(y/N)', delayMs: 300 },
  },
  { name: 'migrate-status', args: ['migrate', 'status'], columns: 80 },
  { name: 'prune', args: ['prune'], columns: 80 },
  { name: 'doctor', args: ['doctor'], columns: 110 },
  { name: 'bench', args: ['bench'], columns: 100 },
  { name: 'demo', args: ['demo'], columns: 100 },
  { name: 'ui-command', args: ['ui'], columns: 100, typed: { text: '\u0003', after: 'Ctrl-C', delayMs: 300 } },
]
