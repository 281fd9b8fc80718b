// Writes docs/reference/cli.md from the command line of `verrou`: its commands, options, examples and exit codes.
import type { Command } from 'commander'
import { DocumentedCommand } from '../src/cli/documented-command.ts'
import { EXIT_CODES, type ExitName, SIGNAL_EXITS } from '../src/cli/exit-codes.ts'
import { createProgram } from '../src/cli/program.ts'
import { type GeneratedFiles, writeGenerated } from './repository.ts'

const INTRODUCTION = `<!-- Generated from src/cli by \`npm run generate\`: do not edit. -->

# The command \`verrou\`

\`npx verrou …\` runs programs under a lock, and shows who holds what.

Which database: \`--url\`, else the variable \`DATABASE_URL\`, else the \`kysely.config\` file of this folder (as kysely-ctl reads it), else the SQLite file
\`./verrou.db\`, which is made and migrated when it is first used. Prefer the variable where the URL has a password in it: the arguments of a program are there for
all users of a machine to see. \`pg\`, \`mysql2\` or \`better-sqlite3\` has to be installed.

With \`--json\`, the answer is JSON, and so are failures: \`{"error":{"code","message","exitCode"}}\`, on standard error. Colours and the width of the
terminal are only looked at where the output is a terminal; \`NO_COLOR\` turns colours off. \`VERROU_DEBUG=1\` prints where an error comes from.
`

/** `docs/reference/cli.md`. */
export function cliFiles(): GeneratedFiles {
  const program = createProgram()
  const commands = program.commands.filter((command) => command.name() !== 'complete')
  const contents = commands.map((command) => `- [\`verrou ${command.name()}\`](#verrou-${command.name()})`)
  const sections = commands.map(commandSection)
  const text = [INTRODUCTION, `${contents.join('\n')}\n- [Exit codes](#exit-codes)\n`, ...sections, exitCodes()].join(
    '\n',
  )
  return new Map([['docs/reference/cli.md', text]])
}

function commandSection(command: Command): string {
  const { notes, examples, exits } =
    command instanceof DocumentedCommand ? command : { notes: [], examples: [], exits: [] }
  const paragraphs = [
    `## verrou ${command.name()}`,
    sentence(command.description()),
    `\`verrou ${command.name()} ${command.usage().trim()}\``,
    ...notes,
    optionTable(command),
    ...(exits.length > 0 ? [`Its own exit codes: ${exits.map((name) => `${EXIT_CODES[name].code}`).join(', ')}.`] : []),
    ['```sh', ...examples.flatMap(({ line, says }) => [`# ${says}`, line]), '```'].join('\n'),
  ]
  return `${paragraphs.join('\n\n')}\n`
}

function optionTable(command: Command): string {
  const help = command.createHelp()
  const rows = [
    ...help.visibleArguments(command).map((one) => [`\`${one.name()}\``, help.argumentDescription(one)]),
    ...help.visibleOptions(command).map((one) => [`\`${help.optionTerm(one)}\``, help.optionDescription(one)]),
  ]
  return ['| | |', '|---|---|', ...rows.map(([name, says]) => `| ${name} | ${escapePipes(says ?? '')} |`)].join('\n')
}

function exitCodes(): string {
  const rows = (Object.keys(EXIT_CODES) as ExitName[]).map((name) => {
    return `| ${EXIT_CODES[name].code} | \`${name}\` | ${escapePipes(EXIT_CODES[name].says)} |`
  })
  const last = `| 128 + n | | ${SIGNAL_EXITS} |`
  return `## Exit codes\n\n${['| code | in JSON | |', '|---|---|---|', ...rows, last].join('\n')}\n`
}

function sentence(text: string): string {
  return `${text.charAt(0).toUpperCase()}${text.slice(1).replace(/\.$/, '')}.`
}

function escapePipes(text: string): string {
  return text.replaceAll('|', '\\|')
}

if (import.meta.main) writeGenerated(cliFiles())
