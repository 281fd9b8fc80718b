import { Command } from 'commander'
import type { ExitName } from './exit-codes.ts'

/** A command line that does what the command is for. The tests run every one, on every database. */
export interface Example {
  readonly line: string
  /** What it does, in a few words. */
  readonly says: string
  /** It goes on until somebody ends it. */
  readonly isEndless: boolean
}

/** A command of `verrou` with its examples, which its `--help` and the documentation show. */
export class DocumentedCommand extends Command {
  readonly examples: Example[] = []
  /** The exit codes that this command has beside the usual ones. */
  readonly exits: ExitName[] = []
  /** Paragraphs for `--help` and the documentation. */
  readonly notes: string[] = []

  constructor(name: string) {
    super(name)
    this.addHelpText('after', () => helpAfter(this))
  }

  /** Commands that libraries make out of it have their examples, too. */
  override createCommand(name = ''): DocumentedCommand {
    return new DocumentedCommand(name)
  }

  example(line: string, says: string, { isEndless = false } = {}): this {
    this.examples.push({ line, says, isEndless })
    return this
  }

  note(text: string): this {
    this.notes.push(text)
    return this
  }

  endsWith(...exits: readonly ExitName[]): this {
    this.exits.push(...exits)
    return this
  }
}

function helpAfter({ notes, examples }: DocumentedCommand): string {
  const paragraphs = notes.map((note) => `\n${note}`)
  const heading = examples.length === 0 ? [] : ['\nExamples:']
  const lines = examples.flatMap(({ line, says }) => [`  # ${says}`, `  $ ${line}`])
  return [...paragraphs, ...heading, ...lines].join('\n')
}
