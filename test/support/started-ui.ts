import { type CommandSettings, type RunningCommand, startVerrou } from './cli.ts'

/** `verrou ui`, while it runs. */
export interface StartedUi {
  readonly command: RunningCommand
  /** With the token. */
  readonly link: string
  readonly origin: string
}

/** Starts it, as somebody at a terminal would. */
export async function startedUi(args: readonly string[], settings: CommandSettings): Promise<StartedUi> {
  const command = startVerrou(['ui', '--json', ...args], settings)
  let text = ''
  command.process.stdout?.on('data', (data) => {
    text += data
  })
  await command.printed('\n')
  const { url: link } = JSON.parse(text) as { url: string }
  return { command, link, origin: new URL(link).origin }
}
