import type { Command } from 'commander'
import { CliError } from '../cli-error.ts'
import { databaseAddress } from '../connection/database-address.ts'
import { DocumentedCommand } from '../documented-command.ts'

/** `verrou demo`: what a lock is for, in half a minute. */
export function demoCommand(): Command {
  return (
    new DocumentedCommand('demo')
      .description('shows what a lock is for: processes that sell the same seats, without a lock and with one')
      .option(
        '--url <url>',
        'play on a server, postgres://… or mysql://… (default: SQLite, a file in a temporary folder)',
      )
      .note(
        'Four worker processes sell 200 seats from one table: without a lock, with one, and with one worker killed while it holds the lock. Takes about 12 seconds, at most 30. On a server it makes three tables named verrou_demo_…, and drops them at the end.',
      )
      // Of the tests, one plays all of it; those of the examples end it early.
      .example('verrou demo', 'plays it on SQLite, without a server', { isEndless: true })
      .endsWith('NO')
      .action(async ({ url }: { readonly url?: string }) => {
        if (url !== undefined && databaseAddress('--url', url).kind === 'sqlite') {
          const known = 'postgres://… or mysql://…'
          throw new CliError(
            'USAGE',
            `--url is not the URL of a server: give ${known}, or leave it out to play on SQLite`,
          )
        }
        // Other commands start sooner without it.
        const { playDemo } = await import('../demo/play-demo.ts')
        process.exitCode = await playDemo(url)
      })
  )
}
