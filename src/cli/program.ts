import { createRequire } from 'node:module'
import tab from '@bomb.sh/tab/commander'
import { type Command, CommanderError } from 'commander'
import { inspectCommand } from './commands/inspect.ts'
import { listCommand } from './commands/ls.ts'
import { migrateCommand } from './commands/migrate.ts'
import { pruneCommand } from './commands/prune.ts'
import { releaseCommand } from './commands/release.ts'
import { runCommand } from './commands/run.ts'
import { topCommand } from './commands/top.ts'
import { uiCommand } from './commands/ui.ts'
import { withDatabaseOptions } from './database-command.ts'
import { DocumentedCommand } from './documented-command.ts'
import { EXIT_CODES, SIGNAL_EXITS } from './exit-codes.ts'

/** Every command, in the order of `verrou --help`. */
const COMMANDS: readonly (() => Command)[] = [
  runCommand,
  listCommand,
  topCommand,
  uiCommand,
  inspectCommand,
  releaseCommand,
  migrateCommand,
  pruneCommand,
]

/** The command line of `verrou`. Throws instead of exiting; prints help and version only. */
export function createProgram(): Command {
  const program = withDatabaseOptions(new DocumentedCommand('verrou'))
    .description('Locks in the database you already have: run programs under a lock, and see who holds what.')
    .version(versionOfPackage(), '-V, --version', 'prints the version')
    .helpOption('-h, --help', 'prints this')
    .helpCommand('help [command]', 'prints the help of a command')
    .enablePositionalOptions()
    .showSuggestionAfterError()
    .configureOutput({ outputError: () => {} })
    .exitOverride(throwUsage)
    .note(exitCodeList())
    .hook('preAction', passOptionsOn)
  for (const create of COMMANDS) addCommand(program, create())
  addCompletion(program)
  return program
}

/** Last, since it looks at all the others. Its scripts ask a hidden command, `verrou complete -- …`, what could come next. */
function addCompletion(program: DocumentedCommand): void {
  tab(program, { completionCommandName: 'completion' })
  const command = program.commands.find((one) => one.name() === 'completion')
  if (!(command instanceof DocumentedCommand)) return
  command
    .description('prints a script that makes the shell complete commands and options')
    .helpOption('-h, --help', 'prints this')
    .example('verrou completion bash', 'what ~/.bashrc needs: source <(verrou completion bash)')
    .example('verrou completion zsh', 'for ~/.zshrc; fish and powershell have theirs, too')
}

function addCommand(parent: Command, command: Command): void {
  parent.addCommand(command.copyInheritedSettings(parent).helpOption('-h, --help', 'prints this'))
  for (const child of command.commands) child.copyInheritedSettings(command)
}

/** `verrou --url … ls` means the same as `verrou ls --url …`. */
function passOptionsOn(program: Command, command: Command): void {
  for (const [name, value] of Object.entries(program.opts())) {
    if (command.getOptionValue(name) === undefined) command.setOptionValue(name, value)
  }
}

/** Commander would exit. */
function throwUsage(error: CommanderError): never {
  throw error
}

function versionOfPackage(): string {
  const { version } = createRequire(import.meta.url)('verrou-sql/package.json') as { version: string }
  return version
}

function exitCodeList(): string {
  const lines = Object.values(EXIT_CODES).map(({ code, says }) => `  ${String(code).padStart(3)}  ${says}`)
  return ['Exit codes:', ...lines, `  128+ ${SIGNAL_EXITS}`].join('\n')
}

/** The exit code where all was said by printing help or the version; `undefined`: it is a failure like others. */
export function answeredWith(error: unknown): number | undefined {
  if (!(error instanceof CommanderError)) return undefined
  // Without any command, commander prints the help as a failure.
  if (error.code === 'commander.help' && error.exitCode !== 0) return EXIT_CODES.USAGE.code
  return error.exitCode === 0 ? 0 : undefined
}
